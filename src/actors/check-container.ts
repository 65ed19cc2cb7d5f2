import type { StepInput } from '../../machines/agent-types.ts';
import { asStepError, StepError } from '../../machines/step-error.ts';
import { checkArgs, checkName } from '../agent-container/check-args.ts';
import { createOwned, notOurs } from '../agent-container/ensure-owned.ts';
import { dockerError } from '../docker/classify-error.ts';
import type { Container } from '../docker/containers.ts';
import { createNamedContainer } from '../docker/create-container.ts';
import { isOwned, label } from '../docker/labels.ts';
import type { CallScope } from '../docker/recorder.ts';
import { ensureBridgeNetwork } from '../networks/bridge-network.ts';
import { type CheckWorkPorts, fillCheck } from './check-work.ts';
import { type ActorContext, owner } from './context.ts';

export type CheckContainerPorts = CheckWorkPorts &
  Pick<ActorContext, 'launchedPlan' | 'clock' | 'containers' | 'engine' | 'watcher' | 'limiter' | 'image'>;

/** The container of a check that has ended. */
export interface EndedCheck {
  readonly id: string;
  readonly container: Container;
  /** It was stopped from outside, since its own limit did not stop it. */
  readonly isOverdue: boolean;
  /** Milliseconds that it ran, by the engine's clock. */
  readonly ms: number;
}

/** A container enforces the limit of its check; one that exceeds it by this many milliseconds is ended from outside. */
const overdueGracePeriodMs = 30_000;

/**
 * Run the check of an attempt until it has ended. A check that an earlier process, or an earlier try, has started is
 * continued.
 */
export async function runCheck(
  context: CheckContainerPorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<EndedCheck> {
  const id = (await findStarted(context, input, signal)) ?? (await startCheck(context, input, signal));
  try {
    return await untilEnded(context, input, id, signal);
  } catch (error) {
    // A cancelled agent needs no result.
    if (signal.aborted) await removeCheck(context, owner(input), id).catch(() => {});
    throw error;
  }
}

/** Remove the container of a check, also after an abort: it is quick, and nothing may be left behind. */
export async function removeCheck(
  { containers }: Pick<ActorContext, 'containers'>,
  scope: CallScope,
  id: string,
): Promise<void> {
  const result = await containers.remove(id, { scope, timeout: 15_000 });
  if (!result.ok) throw dockerError(result, { operation: 'remove the container of the check' });
}

/** Return the container of this check if it was started; one that was only created may lack a part of the work. */
async function findStarted(
  context: CheckContainerPorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<string | null> {
  const { instance, runId } = context.identity(input.name, input.attempt);
  const name = checkName(runId, input.name, input.attempt);
  const [found] = await context.containers.inspect([name], { signal, scope: owner(input) });
  if (!found) return null;
  const { labels, state } = found;
  const isOurs = isOwned(labels, { instance, runId }) && labels[label.role] === 'check';
  if (!isOurs) throw notOurs('container', name, found);
  if (state === 'running' || state === 'paused' || state === 'exited') return found.id;
  await removeCheck(context, owner(input), found.id);
  return null;
}

async function startCheck(
  context: CheckContainerPorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<string> {
  const { docker, limiter } = context;
  const options = { signal, scope: owner(input) };
  const id = await limiter(() => createCheck(context, input, signal), signal);
  try {
    await fillCheck(context, input, id, signal);
    const result = await limiter(
      () => docker(['start', id], { ...options, isMutation: true, timeout: 120_000 }),
      signal,
    );
    if (!result.ok) throw dockerError(result, { operation: 'start the check' });
    return id;
  } catch (error) {
    // Another try makes another one. An engine that cannot be reached keeps it until then.
    if (asStepError(error).kind !== 'unreachable')
      await removeCheck(context, options.scope, id).catch(() => {});
    throw error;
  }
}

async function createCheck(
  context: CheckContainerPorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<string> {
  const { docker, engine: limits } = context;
  const { name: agent, attempt, round = 1 } = input;
  const plan = context.launchedPlan(agent);
  const { check } = plan;
  if (check === undefined) throw new StepError('internal', `${agent} has no check`);
  const identity = context.identity(agent, attempt);
  // A resumed process may not have read it.
  const image = input.image ?? (await context.image(agent, signal));
  if (check.network !== null)
    await ensureBridgeNetwork(check.network, { docker, instance: identity.instance, signal });
  const args = checkArgs({ ...plan, check }, { identity, image, round, limits });
  const options = { signal, scope: owner(input), operation: 'create the container of the check' };
  return createOwned({
    ...{ type: 'container', name: checkName(identity.runId, agent, attempt) },
    create: () => createNamedContainer(docker, args, options),
  });
}

async function untilEnded(
  { clock, watcher, containers, docker, plan }: CheckContainerPorts,
  input: StepInput,
  id: string,
  signal: AbortSignal,
): Promise<EndedCheck> {
  const options = { signal, scope: owner(input) };
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  const limit = plan(input.name).check!.timeout + overdueGracePeriodMs;
  const waits = [watcher.ended(id, stop).then(() => false), clock.sleep(limit, stop).then(() => true)];
  const isOverdue = await Promise.race(waits).finally(async () => {
    over.abort();
    await Promise.allSettled(waits);
  });
  if (isOverdue) await docker(['kill', id], { ...options, isMutation: true });
  const [container] = await containers.inspect([id], options);
  if (!container) throw new StepError('transient', 'the container of the check was removed from outside');
  // The exit code of one that runs is 0, too.
  if (!isOverdue && container.state !== 'exited')
    throw new StepError('transient', `the container of the check is ${container.state}, though it has ended`);
  return { id, container, isOverdue, ms: Math.max(0, container.finishedAt - container.startedAt) };
}
