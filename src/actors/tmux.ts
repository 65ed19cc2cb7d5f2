import type { StepInput } from '../../machines/agent-types.ts';
import type { End } from '../../machines/outcome.ts';
import { asStepError, StepError } from '../../machines/step-error.ts';
import { dockerError } from '../docker/classify-error.ts';
import { isContainerOver } from '../docker/messages.ts';
import { type ActorContext, owner } from './context.ts';
import { findEnd } from './lookup-end.ts';

type TmuxPorts = Pick<ActorContext, 'docker' | 'watcher' | 'plan'>;

/**
 * Wait until the session accepts input, with one command inside the container. Resolves with null, or with the container's
 * end if it has ended by then.
 */
export async function waitForTmux(
  context: TmuxPorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<End | null> {
  const { docker } = context;
  const { ready } = context.plan(input.name).timeouts;
  const seconds = Math.max(1, Math.ceil(ready / 1000));
  const id = input.containerId!;
  const result = await docker(['exec', id, 'agent-ready', String(seconds)], {
    signal,
    scope: owner(input),
    timeout: ready + 15_000,
  });
  if (result.ok) return null;
  // Any failure of an exec may mean that the container has just ended.
  const end = result.interrupted === null ? await findEnd(context, id, signal) : null;
  if (end) return end;
  if (isContainerOver(result.stderr)) {
    throw new StepError('transient', 'the container has ended, and docker did not report how');
  }
  const error = asStepError(dockerError(result, { operation: 'reach the tmux session' }), {
    fallbackKind: 'timeout',
  });
  throw result.interrupted === 'timeout' ? new StepError('timeout', error.message) : error;
}
