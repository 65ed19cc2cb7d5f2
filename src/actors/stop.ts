import type { StepInput } from '../../machines/agent-types.ts';
import type { End } from '../../machines/outcome.ts';
import { type ActorContext, owner } from './context.ts';

type StopPorts = Pick<ActorContext, 'docker' | 'watcher' | 'plan'>;

/**
 * A step of the escalation. It does one thing and waits for the end of the container for its own grace period. On Ctrl-C,
 * all four steps together take less than five seconds.
 */
type StopStep = (context: StopPorts, input: StepInput, signal: AbortSignal) => Promise<End | null>;

export const interrupt: StopStep = (context, input, signal) => {
  const { stop } = context.plan(input.name).timeouts;
  const gracePeriodMs = input.cancelled ? Math.min(stop, 1_000) : stop;
  return runStep(
    context,
    input,
    signal,
    ['exec', input.containerId!, 'tmux', 'send-keys', '-t', '=agent:', 'C-c'],
    gracePeriodMs,
  );
};

export const terminate: StopStep = (context, input, signal) =>
  runStep(context, input, signal, ['kill', '--signal=TERM', input.containerId!], 1_000);

export const stopContainer: StopStep = (context, input, signal) =>
  runStep(context, input, signal, ['stop', '--time=1', input.containerId!], 500);

export const killContainer: StopStep = (context, input, signal) =>
  runStep(context, input, signal, ['kill', input.containerId!], 500);

async function runStep(
  context: StopPorts,
  input: StepInput,
  signal: AbortSignal,
  args: readonly string[],
  gracePeriodMs: number,
) {
  const { docker, watcher } = context;
  const ended = watcher.ended(input.containerId!, signal);
  // A command that hangs must not delay the escalation; the daemon completes it all the same.
  const call = docker(args, {
    signal,
    scope: owner(input),
    isMutation: true,
    timeout: gracePeriodMs + 1_500,
  });
  const early = await Promise.race([ended, call.then(() => null)]);
  if (early) return early;
  const over = AbortSignal.any([signal, AbortSignal.timeout(gracePeriodMs)]);
  return watcher.ended(input.containerId!, over).catch(() => null);
}
