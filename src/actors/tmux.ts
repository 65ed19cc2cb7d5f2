import type { StepInput } from '../../machines/agent-types.ts';
import type { End } from '../../machines/outcome.ts';
import { asStepError, StepError } from '../../machines/step-error.ts';
import { dockerError } from '../docker/classify-error.ts';
import type { DockerResult } from '../docker/cli.ts';
import { isContainerOver } from '../docker/messages.ts';
import { type ActorContext, owner } from './context.ts';
import {
  beginInjection,
  hasStarted,
  type Injections,
  type InjectPorts,
  injectionError,
  noContainer,
  wholeSeconds,
} from './inject.ts';
import { findEnd } from './lookup-end.ts';

/**
 * Wait until the session accepts input. Resolves with null, or with the container's end if it has ended by then. The
 * command that waits starts the agent, too: `inject` finds it in `injections`.
 */
export async function waitForTmux(
  context: InjectPorts,
  injections: Injections,
  input: StepInput,
  signal: AbortSignal,
): Promise<End | null> {
  const id = input.containerId!;
  const { ready } = context.plan(input.name).timeouts;
  let ended: DockerResult | null = null;
  // A call that hangs may have reached the session, which a second one finds out.
  for (const limit of [ready, secondLookMs]) {
    const injection = await beginInjection(context, input, signal, limit);
    ended = (await injection?.ready) ?? null;
    if (injection && (ended === null || hasStarted(ended))) {
      injections.set(id, injection);
      return null;
    }
    if (ended?.interrupted !== 'timeout') break;
  }
  return endOf(context, id, ended, signal);
}

const secondLookMs = 1_000;

/** Wait for the session with a command that starts nothing, where `inject` is another one than ours. */
export async function waitForSession(
  context: Pick<ActorContext, 'docker' | 'watcher' | 'plan'>,
  input: StepInput,
  signal: AbortSignal,
): Promise<End | null> {
  const { ready } = context.plan(input.name).timeouts;
  const id = input.containerId!;
  const result = await context.docker(['exec', id, 'agent-ready', wholeSeconds(ready)], {
    signal,
    scope: owner(input),
    timeout: ready + 15_000,
  });
  return result.ok ? null : endOf(context, id, result, signal);
}

/** Exit code of a command whose session did not accept input in time. */
const notReady = 124;

/**
 * Any failure of an exec, which is null without a container, may mean that the container has just ended: return that end,
 * or throw the failure.
 */
async function endOf(
  context: Pick<ActorContext, 'watcher'>,
  id: string,
  result: DockerResult | null,
  signal: AbortSignal,
): Promise<End> {
  const end = result?.interrupted ? null : await findEnd(context, id, signal);
  if (end) return end;
  if (result === null) throw noContainer();
  if (isContainerOver(result.stderr))
    throw new StepError('transient', 'the container has ended, and docker did not report how');
  if (result.ok || (result.exitCode !== notReady && result.interrupted === null))
    throw injectionError(result);
  const error = asStepError(dockerError(result, { operation: 'reach the tmux session' }), {
    fallbackKind: 'timeout',
  });
  throw result.interrupted === 'timeout' ? new StepError('timeout', error.message) : error;
}
