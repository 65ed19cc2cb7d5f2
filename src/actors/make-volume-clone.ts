import type { CallScope } from '../docker/recorder.ts';
import { removeVolume } from '../docker/volumes.ts';
import { findRepository } from '../workspace/repository.ts';
import type { ActorContext } from './context.ts';
import { type HelperJob, type HelperPorts, hasReported, jobFailure, runHelperJob } from './helper-job.ts';
import type { CloneRequest } from './make-clone.ts';
import { ensureAttemptVolume, repositoryMount } from './sent-repository.ts';

export type VolumePorts = HelperPorts & Pick<ActorContext, 'gitSetting' | 'sentRepository'>;

const timeoutMs = 20 * 60_000;

/** Make the clone in its volume. Resolves with the reason if it cannot be made, else with null. */
export async function makeVolumeClone(
  context: VolumePorts,
  owner: CallScope,
  { repository: root, commit, branch, target: name }: CloneRequest,
  signal: AbortSignal,
): Promise<string | null> {
  const repository = findRepository(root);
  if ('problem' in repository) return repository.problem;
  const source = await context.sentRepository(owner, { repository: root, commit }, signal);
  const person = (await context.gitSetting('user.name')) ?? 'agent-flow';
  const address = (await context.gitSetting('user.email')) ?? 'agent-flow@agents.invalid';
  const job: HelperJob = {
    command: 'agent-clone',
    args: [root, repository.gitDir, repository.commonDir, commit, branch, person, address, '-', 'sent'],
    mounts: [
      repositoryMount(source, repository),
      { source: name, isVolume: true, target: '/clone', isWritable: true },
    ],
    user: '0',
    purpose: 'make its clone',
    timeout: timeoutMs,
    hasReported: hasReported(/^cloned$/m),
    async prepare() {
      // Whatever an earlier process has made is made again, unless the container exists: it is created after the clone.
      if (!(await removeVolume(context.docker, name, { scope: owner, signal }))) throw new InUse();
      await ensureAttemptVolume(context, owner, { name, role: 'workspace' }, signal);
    },
  };
  try {
    const result = await runHelperJob(context, owner, job, signal);
    signal.throwIfAborted();
    return result.ok && /^cloned$/m.test(result.stdout) ? null : jobFailure(result);
  } catch (error) {
    if (error instanceof InUse) return null;
    throw error;
  }
}

/** A container uses the volume. */
class InUse extends Error {}
