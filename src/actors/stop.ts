import type { StepInput } from '../../machines/agent-types.ts';
import type { End } from '../../machines/outcome.ts';
import { type ActorContext, owner } from './context.ts';

type StopPorts = Pick<ActorContext, 'docker' | 'watcher' | 'plan'>;

/**
 * The rungs of the ladder. Each does one thing and waits for the container's end with its own patience, in
 * milliseconds; on Ctrl-C all four together take less than five seconds.
 */
type StopStep = (context: StopPorts, input: StepInput, signal: AbortSignal) => Promise<End | null>;

export const interrupt: StopStep = (context, input, signal) => {
  const { stop } = context.plan(input.name).timeouts;
  const patience = input.cancelled ? Math.min(stop, 1_000) : stop;
  return rung(
    context,
    input,
    signal,
    ['exec', input.containerId!, 'tmux', 'send-keys', '-t', '=agent:', 'C-c'],
    patience,
  );
};

export const terminate: StopStep = (context, input, signal) =>
  rung(context, input, signal, ['kill', '--signal=TERM', input.containerId!], 1_000);

export const stopContainer: StopStep = (context, input, signal) =>
  rung(context, input, signal, ['stop', '--time=1', input.containerId!], 500);

export const killContainer: StopStep = (context, input, signal) =>
  rung(context, input, signal, ['kill', input.containerId!], 500);

async function rung(
  context: StopPorts,
  input: StepInput,
  signal: AbortSignal,
  args: readonly string[],
  patience: number,
) {
  const { docker, watcher } = context;
  const ended = watcher.ended(input.containerId!, signal);
  // A command that hangs must not hold up the ladder; it goes on in the daemon all the same.
  const asked = docker(args, { signal, owner: owner(input), changes: true, timeout: patience + 1_500 });
  const early = await Promise.race([ended, asked.then(() => null)]);
  if (early) return early;
  const over = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
  return watcher.ended(input.containerId!, over).catch(() => null);
}
