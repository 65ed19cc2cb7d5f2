/** Replaces src/docker/docker-process.ts: commands with streamed output go to simulated engines. */
import type { RunningCommand, runRecorded as realRunRecorded } from '../../../src/docker/docker-process.ts';
import type { CallEnd, Recorder } from '../../../src/docker/recorder.ts';
import { simulation } from './simulation.ts';

export const tiedToParent = (args: readonly string[]): readonly string[] => args;

export function spawnProcess(
  recorder: Recorder,
  args: readonly string[],
  { signal, timeout = 0 }: { readonly signal?: AbortSignal; readonly timeout?: number },
): RunningCommand {
  const { stdout, stderr, stop, ended } = simulation().follow(recorder.env, args, {
    ...(signal && { signal }),
    timeout,
  });
  const control = { interrupted: null, overflow: stop, stop, settle: async () => null };
  return { child: { stdout, stderr }, control, ended } as unknown as RunningCommand;
}

export const runRecorded: typeof realRunRecorded = async (recorder, args, options, follow) => {
  const call = await recorder.call(args, options.scope ?? null, false);
  const { signal, timeout } = options;
  const limits = { ...(signal && { signal }), ...(timeout !== undefined && { timeout }) };
  return call.end((await follow(spawnProcess(recorder, args, limits))) as CallEnd as never);
};
