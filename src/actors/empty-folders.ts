import { mkdir, rm } from 'node:fs/promises';
import type { CallScope } from '../docker/recorder.ts';
import type { ActorContext } from './context.ts';
import { type HelperJob, type HelperPorts, runHelperJob } from './helper-job.ts';

export type EmptyPorts = HelperPorts & Pick<ActorContext, 'emit'>;

const timeoutMs = 5 * 60_000;

/** Remove directories. A container removes the files of root that this user cannot remove. */
export async function emptyFolders(
  context: EmptyPorts,
  owner: CallScope,
  folders: readonly [string, ...string[]],
  signal: AbortSignal,
): Promise<void> {
  const remove = () => Promise.all(folders.map(folder => rm(folder, { recursive: true, force: true })));
  try {
    await remove();
  } catch {
    // They must exist to be mounted.
    for (const folder of folders) await mkdir(folder, { recursive: true, mode: 0o700 });
    const mounts = folders.map((source, index) => ({ source, target: `/empty/${index}`, isWritable: true }));
    const job: HelperJob = {
      command: 'agent-empty',
      args: mounts.map(({ target }) => target),
      mounts,
      user: '0',
      purpose: 'remove its clone',
      timeout: timeoutMs,
      hasReported: ({ ok }) => ok,
    };
    await runHelperJob(context, owner, job, signal);
    await remove().catch(error =>
      context.emit({
        type: 'warning',
        agent: owner.agent,
        message: `its clone could not be removed: ${error.message}`,
      }),
    );
  }
}
