import { fromPromise } from 'xstate';
import { agentMachine } from '../../machines/agent.ts';
import type { Activity, StepInput } from '../../machines/agent-types.ts';
import { asStepError } from '../../machines/step-error.ts';
import type { CallScope } from '../docker/recorder.ts';
import { check } from './check.ts';
import { collectAndSave } from './collect-and-save.ts';
import { type ActorContext, owner, type TimePort } from './context.ts';
import { createContainer } from './create.ts';
import { type Injections, inject } from './inject.ts';
import { agentLeases } from './lease.ts';
import { removeContainer } from './remove.ts';
import { awaitSecrets, secretsOf } from './secrets.ts';
import { sleepUntil } from './sleep-until.ts';
import { startContainer } from './start.ts';
import { interrupt, killContainer, stopContainer, terminate } from './stop.ts';
import { waitForSession, waitForTmux } from './tmux.ts';
import { agentWatcher } from './watch-agent.ts';
import { ensureWorkspace } from './workspace.ts';

export interface AgentPorts extends Pick<TimePort, 'clock'> {
  /** Return the ports of the host that an agent is placed on. Rejects with an `unreachable` error if it cannot be connected to. */
  readonly contextOf: (agent: string) => ActorContext | Promise<ActorContext>;
  /** Resolves when that host can be reached again. Default: by its watcher. */
  readonly waitForHost?: (agent: string, signal: AbortSignal) => Promise<void>;
  /** Chooses the hosts of agents that are `isScheduled`. */
  readonly scheduler?: SchedulerPort | null;
}

/** Has a scheduler choose the host of each attempt. */
export interface SchedulerPort {
  /** Resolves when the attempt has a host, and that is in the journal. `report` gets the reason why it has none yet. */
  place(scope: CallScope, signal: AbortSignal, report: (reason: string) => void): Promise<void>;
  release(scope: CallScope, signal: AbortSignal): Promise<void>;
}

/**
 * Return the agent machine with its actors, which act on the ports of each agent's host, apart from those that are
 * `replaced`.
 */
export function provideActors(ports: AgentPorts, replaced: AgentActors = {}, leases = agentLeases()) {
  const { contextOf, clock, scheduler = null } = ports;
  const injections: Injections = new Map();
  const actor = <Output, Input extends Pick<StepInput, 'name'> = StepInput>(
    work: (
      context: ActorContext,
      input: Input,
      signal: AbortSignal,
      report: (activity: Activity) => void,
    ) => Promise<Output>,
  ) =>
    fromPromise<Output, Input>(async ({ input, signal, self }) => {
      try {
        const context = await contextOf(input.name);
        // Not by a function in the input, since XState persists the input of an actor.
        return await work(context, input, signal, activity => self._parent?.send(activity));
      } catch (error) {
        throw asStepError(error, { at: clock.now() });
      }
    });
  const limited =
    <Output>(work: (context: ActorContext, input: StepInput, signal: AbortSignal) => Promise<Output>) =>
    (context: ActorContext, input: StepInput, signal: AbortSignal) =>
      context.limiter(() => work(context, input, signal), signal);

  const own = agentMachine.provide({
    actors: {
      reconcile: actor((context, { name }, signal) => context.reconcile(name, signal)),
      ensureImage: actor(ensureImage),
      ensureNetwork: actor((context, { name }, signal) => context.networks.ensure(name, signal)),
      createContainer: actor(async (context, input, signal) => {
        // Not limited: a slow repository does not mean that Docker is overloaded.
        await ensureWorkspace(context, input, signal);
        await context.keepProtected(input, signal);
        return limited(createContainer)(context, input, signal);
      }),
      startContainer: actor(limited(startContainer)),
      waitForTmux: actor(async (context, input, signal) => {
        const end = replaced.inject
          ? await waitForSession(context, input, signal)
          : await waitForTmux(context, injections, input, signal);
        if (end === null) leases.begin(context, input);
        return end;
      }),
      inject: actor((context, input, signal) => inject(context, injections, input, signal)),
      watch: actor(agentWatcher(leases)),
      interrupt: actor(interrupt),
      terminate: actor(terminate),
      stopContainer: actor(stopContainer),
      killContainer: actor(killContainer),
      collect: actor(collectAndSave),
      removeContainer: actor(removeContainer),
      check: actor(check),
      waitUntil: fromPromise<void, { at: number; jitter?: number }>(({ input: { at, jitter = 0 }, signal }) =>
        sleepUntil(clock, at - Math.random() * jitter, signal),
      ),
      waitForSecrets: actor(awaitSecrets),
      waitForEngine: ports.waitForHost
        ? fromPromise<void, StepInput>(({ input, signal }) => ports.waitForHost!(input.name, signal))
        : actor((context, _, signal) => context.watcher.waitUntilReachable(signal)),
      ...(scheduler && schedulerActors(scheduler, clock)),
    },
  });
  return own.provide({ actors: replaced });
}

async function ensureImage(context: ActorContext, input: StepInput, signal: AbortSignal) {
  // Fail early, before an image is built.
  context.checkBudget(input);
  secretsOf(context, input.name);
  const image = await context.image(input.name, signal);
  // Fail now, and not when there is work to save.
  const { workspace, check } = context.plan(input.name);
  if (workspace.mode === 'clone' || check !== undefined) await context.helperImage(signal);
  return { image };
}

const schedulerActors = ({ place, release }: SchedulerPort, clock: TimePort['clock']) => ({
  place: fromPromise<void, StepInput>(async ({ input, signal, self }) => {
    const report = (reason: string) => self._parent?.send({ type: 'PENDING', reason });
    try {
      await place(owner(input), signal, report);
    } catch (error) {
      throw asStepError(error, { at: clock.now() });
    }
  }),
  release: fromPromise<void, StepInput>(({ input, signal }) => release(owner(input), signal)),
});

/** Any subset of the agent machine's actors, by name. */
export type AgentActors = NonNullable<Parameters<typeof agentMachine.provide>[0]['actors']>;
