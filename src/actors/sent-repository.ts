import { StepError } from '../../machines/step-error.ts';
import { repositoryVolume } from '../agent-container/names.ts';
import { ensureVolume, type OwnedVolume } from '../agent-container/owned-volume.ts';
import type { CallScope } from '../docker/recorder.ts';
import { removeVolume } from '../docker/volumes.ts';
import { findRepository, type Repository } from '../workspace/repository.ts';
import type { ActorContext, RepositorySource } from './context.ts';
import {
  type HelperCommand,
  type HelperJob,
  type HelperPorts,
  hasReported,
  jobFailure,
  runHelperJob,
} from './helper-job.ts';

/** Long enough for a large repository on a slow line. */
const timeoutMs = 60 * 60_000;

/**
 * Send the git directory of a repository to a volume of the engine, and check there that the commit is whole. The docker
 * client packs it: no git process reads it on this machine, and nothing of the work tree is sent.
 */
export async function sendRepository(
  context: HelperPorts,
  owner: CallScope,
  { repository: root, commit }: RepositorySource,
  signal: AbortSignal,
): Promise<string> {
  const repository = findRepository(root);
  if ('problem' in repository) throw new StepError('workspace', repository.problem);
  const { docker } = context;
  const { runId } = context.identity(owner.agent, owner.attempt);
  const name = repositoryVolume(runId, root, commit);
  const scope = { scope: owner, signal };
  const job: HelperJob = {
    command: 'agent-clone',
    args: [root, repository.gitDir, repository.commonDir, commit],
    mounts: [{ ...repositoryMount(name, repository), isWritable: true }],
    user: '0',
    purpose: `send ${root} to the engine`,
    timeout: timeoutMs,
    hasReported: hasReported(/^cloned$/m),
    async prepare() {
      // An earlier process may have sent a part of it.
      await removeVolume(docker, name, scope);
      await ensureAttemptVolume(context, owner, { name, role: 'repository' }, signal);
    },
    fill: id =>
      docker(['cp', `${repository.commonDir}/.`, `${id}:/host${repository.commonDir}`], {
        ...scope,
        isMutation: true,
        timeout: timeoutMs,
      }),
  };
  const result = await runHelperJob(context, owner, job, signal);
  signal.throwIfAborted();
  if (result.ok && /^cloned$/m.test(result.stdout)) return name;
  throw new StepError('workspace', `${root} could not be sent to the engine: ${jobFailure(result)}`);
}

/** Mount a repository that was sent at its path on this machine, below /host. */
export const repositoryMount = (
  name: string,
  { commonDir }: Repository,
): HelperCommand['mounts'][number] => ({ source: name, isVolume: true, target: `/host${commonDir}` });

/** Create a volume for an attempt, or find it. */
export function ensureAttemptVolume(
  { docker, identity }: Pick<ActorContext, 'docker' | 'identity'>,
  owner: CallScope,
  { name, role }: Pick<OwnedVolume, 'name' | 'role'>,
  signal: AbortSignal,
): Promise<void> {
  const { instance, runId } = identity(owner.agent, owner.attempt);
  return ensureVolume(docker, { name, role, run: { instance, runId }, owner }, signal);
}
