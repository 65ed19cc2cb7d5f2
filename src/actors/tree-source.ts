import { join } from 'node:path';
import type { StepInput } from '../../machines/agent-types.ts';
import { StepError } from '../../machines/step-error.ts';
import { attemptVolume } from '../agent-container/names.ts';
import { removeVolume } from '../docker/volumes.ts';
import { type ActorContext, owner } from './context.ts';
import { type EmptyPorts, emptyFolders } from './empty-folders.ts';
import { exportJob } from './export-path.ts';
import type { HelperJob, HelperPorts } from './helper-job.ts';
import { copyInto } from './start.ts';
import { branchOf } from './workspace.ts';

export type TreePorts = HelperPorts &
  EmptyPorts &
  Pick<ActorContext, 'plan' | 'folder' | 'recorder' | 'makeClone' | 'hasOtherFiles'>;

/** A job that prints a tree as a tar stream, in a helper container that sees nothing else of the host. */
export type TreeSource = Pick<HelperJob, 'command' | 'args' | 'mounts' | 'user' | 'fill'>;

/** Return the source of a directory that an agent may have written: no link in it is followed. */
export const mountedFolder = (folder: string): TreeSource => exportJob({ folder, path: '.' });

/** Return the source of a directory that no agent can write to, which the docker client copies into the helper. */
export const copiedFolder = (
  { docker }: Pick<ActorContext, 'docker'>,
  input: StepInput,
  folder: string,
  signal: AbortSignal,
): TreeSource => ({
  ...{ command: 'agent-export', args: ['.'], mounts: [], user: '0' },
  fill: id =>
    docker(copyInto(folder, id), { signal, scope: owner(input), isMutation: true, timeout: 10 * 60_000 }),
});

/** Call `use` with the source of a clone of a commit, in its own folder or volume, and remove that. */
export async function withClone<T>(
  context: TreePorts,
  input: StepInput,
  commit: string,
  use: (source: TreeSource) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { name: agent, attempt } = input;
  const scope = owner(input);
  const { workspace } = context.plan(agent);
  if (workspace.mode !== 'clone') throw new StepError('internal', `${agent} does not work in a clone`);
  const { repository } = workspace;
  const { runId } = context.identity(agent, attempt);
  const isVolume = context.hasOtherFiles;
  const target = isVolume
    ? attemptVolume(runId, scope, 'check')
    : join(context.folder(agent, attempt), 'check');
  const remove = async () => {
    if (isVolume) await removeVolume(context.docker, target, { scope });
    else await emptyFolders(context, scope, [target], signal);
  };
  // One that a killed process has left may be that of another commit.
  await remove();
  try {
    const request = { repository, commit, branch: branchOf(runId, agent), target };
    const problem = await context.makeClone(scope, request, signal);
    if (problem !== null) throw new StepError('workspace', `could not clone ${repository}: ${problem}`);
    return await use({
      ...{ command: 'agent-export', args: ['.'], user: '0' },
      mounts: [{ source: target, isVolume, target: '/workspace' }],
    });
  } finally {
    await remove().catch(() => {});
  }
}
