import { fromPromise } from 'xstate';
import { agentMachine } from '../../machines/agent.ts';
import type { Activity, StepInput } from '../../machines/agent-types.ts';
import { asStepError } from '../../machines/step-error.ts';
import { collect } from './collect.ts';
import type { ActorContext } from './context.ts';
import { createContainer } from './create.ts';
import { type Injections, inject } from './inject.ts';
import { removeContainer } from './remove.ts';
import { saveWork } from './save-work.ts';
import { awaitSecrets, secretsOf } from './secrets.ts';
import { sleepUntil } from './sleep-until.ts';
import { startContainer } from './start.ts';
import { interrupt, killContainer, stopContainer, terminate } from './stop.ts';
import { waitForSession, waitForTmux } from './tmux.ts';
import { agentWatcher } from './watch-agent.ts';
import { ensureWorkspace } from './workspace.ts';

/** Return the agent machine with its actors, which act on this context, apart from those that are `replaced`. */
export function provideActors(context: ActorContext, replaced: AgentActors = {}) {
  const { clock } = context;
  const injections: Injections = new Map();
  const actor = <Output, Input = StepInput>(
    work: (
      context: ActorContext,
      input: Input,
      signal: AbortSignal,
      report: (activity: Activity) => void,
    ) => Promise<Output>,
  ) =>
    fromPromise<Output, Input>(async ({ input, signal, self }) => {
      try {
        // Not by a function in the input, since XState persists the input of an actor.
        return await work(context, input, signal, activity => self._parent?.send(activity));
      } catch (error) {
        throw asStepError(error, { at: clock.now() });
      }
    });
  const limited =
    <Output>(work: (context: ActorContext, input: StepInput, signal: AbortSignal) => Promise<Output>) =>
    (_: ActorContext, input: StepInput, signal: AbortSignal) =>
      context.limiter(() => work(context, input, signal), signal);

  const own = agentMachine.provide({
    actors: {
      reconcile: actor((_, { name }, signal) => context.reconcile(name, signal)),
      ensureImage: actor(async (_, { name }, signal) => {
        // Fail early, before an image is built.
        secretsOf(context, name);
        const image = await context.image(name, signal);
        // Fail now, and not when there is work to save.
        if (context.plan(name).workspace.mode === 'clone') await context.helperImage(signal);
        return { image };
      }),
      ensureNetwork: actor((_, { name }, signal) => context.networks.ensure(name, signal)),
      createContainer: actor(async (context, input, signal) => {
        // Not limited: a slow repository does not mean that Docker is overloaded.
        await ensureWorkspace(context, input, signal);
        return limited(createContainer)(context, input, signal);
      }),
      startContainer: actor(limited(startContainer)),
      waitForTmux: actor((_, input, signal) =>
        replaced.inject
          ? waitForSession(context, input, signal)
          : waitForTmux(context, injections, input, signal),
      ),
      inject: actor((_, input, signal) => inject(context, injections, input, signal)),
      watch: actor(agentWatcher()),
      interrupt: actor(interrupt),
      terminate: actor(terminate),
      stopContainer: actor(stopContainer),
      killContainer: actor(killContainer),
      collect: actor(collectAndSave),
      removeContainer: actor(removeContainer),
      waitUntil: fromPromise<void, { at: number; jitter?: number }>(({ input: { at, jitter = 0 }, signal }) =>
        sleepUntil(clock, at - Math.random() * jitter, signal),
      ),
      waitForSecrets: actor(awaitSecrets),
      waitForEngine: actor((_, __, signal) => context.watcher.waitUntilReachable(signal)),
    },
  });
  return own.provide({ actors: replaced });
}

/** Save the work also if the transcript cannot be read. */
async function collectAndSave(context: ActorContext, input: StepInput, signal: AbortSignal) {
  const read = await collect(context, input, signal).catch((error: unknown) => ({ error }));
  if (!signal.aborted) await saveWork(context, input, signal);
  if ('error' in read) throw read.error;
  return read;
}

/** Any subset of the agent machine's actors, by name. */
export type AgentActors = NonNullable<Parameters<typeof agentMachine.provide>[0]['actors']>;
