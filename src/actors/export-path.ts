import type { Writable } from 'node:stream';
import type { CallEnd, CallScope } from '../docker/recorder.ts';
import { pipeOutput } from '../docker/stream.ts';
import type { ActorContext } from './context.ts';
import { type HelperJob, type HelperPorts, runHelperJob } from './helper-job.ts';

export type ExportPorts = HelperPorts & Pick<ActorContext, 'recorder'>;

export interface Export {
  /** A directory of the host that an agent may have written. */
  readonly folder: string;
  /** Relative to the directory; `.` for all of it. */
  readonly path: string;
  /** Milliseconds. */
  readonly timeout: number;
}

/**
 * Write a path of a directory that an agent may have written to `sink`, as a tar stream. It is read by a helper container
 * that sees nothing else of the host, so a link in it leads nowhere.
 */
export function exportPath(
  context: ExportPorts,
  owner: CallScope,
  { timeout, ...wanted }: Export,
  sink: Writable,
  signal: AbortSignal,
): Promise<CallEnd> {
  const job: HelperJob = {
    ...exportJob(wanted),
    purpose: `read ${wanted.path} of its workspace`,
    timeout,
    hasReported: ({ exitCode }) => exitCode !== null && exitCode < 125,
    attach: args => pipeOutput(context.recorder, args, sink, { signal, scope: owner, timeout }),
  };
  return runHelperJob(context, owner, job, signal);
}

export const exportJob = ({
  folder,
  path,
}: Pick<Export, 'folder' | 'path'>): Pick<HelperJob, 'command' | 'args' | 'mounts' | 'user'> => ({
  command: 'agent-export',
  args: [path],
  mounts: [{ source: folder, target: '/workspace' }],
  user: '0',
});
