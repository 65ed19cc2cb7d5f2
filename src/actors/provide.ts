import { fromPromise } from 'xstate';
import { agentMachine } from '../../machines/agent.ts';
import type { Activity, StepInput } from '../../machines/agent-types.ts';
import { asStepError } from '../../machines/step-error.ts';
import { collect } from './collect.ts';
import type { ActorContext } from './context.ts';
import { createContainer } from './create.ts';
import { inject } from './inject.ts';
import { removeContainer } from './remove.ts';
import { saveWork } from './save-work.ts';
import { awaitSecrets, secretsOf } from './secrets.ts';
import { sleepUntil } from './sleep-until.ts';
import { startContainer } from './start.ts';
import { interrupt, killContainer, stopContainer, terminate } from './stop.ts';
import { waitForTmux } from './tmux.ts';
import { agentWatcher } from './watch-agent.ts';
import { ensureWorkspace } from './workspace.ts';

/** The agent machine with hands: each of its actors acts on this context. */
export function provideActors(context: ActorContext) {
  const { clock } = context;
  const actor = <Output, Input = StepInput>(
    work: (
      context: ActorContext,
      input: Input,
      signal: AbortSignal,
      report: (mood: Activity) => void,
    ) => Promise<Output>,
  ) =>
    fromPromise<Output, Input>(async ({ input, signal, self }) => {
      try {
        // Not by a function in the input: what an actor was given is persisted with it.
        return await work(context, input, signal, mood => self._parent?.send(mood));
      } catch (error) {
        throw asStepError(error, { at: clock.now() });
      }
    });
  const gated =
    <Output>(work: (context: ActorContext, input: StepInput, signal: AbortSignal) => Promise<Output>) =>
    (_: ActorContext, input: StepInput, signal: AbortSignal) =>
      context.limiter(() => work(context, input, signal), signal);

  return agentMachine.provide({
    actors: {
      reconcile: actor((_, { name }, signal) => context.reconcile(name, signal)),
      ensureImage: actor(async (_, { name }, signal) => {
        // Before anything is made for an agent that could not be given its work.
        secretsOf(context, name);
        const image = await context.image(name, signal);
        // Now, and not when there is work to be saved.
        if (context.plan(name).workspace.mode === 'clone') await context.helperImage(signal);
        return { image };
      }),
      ensureNetwork: actor((_, { name }, signal) => context.networks.ensure(name, signal)),
      createContainer: actor(async (context, input, signal) => {
        // Not under the gate: a repository that takes its time says nothing of Docker.
        await ensureWorkspace(context, input, signal);
        return gated(createContainer)(context, input, signal);
      }),
      startContainer: actor(gated(startContainer)),
      waitForTmux: actor(waitForTmux),
      inject: actor(inject),
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
      waitForEngine: actor((_, __, signal) => context.watcher.reachable(signal)),
    },
  });
}

/** The work is saved also where the transcript cannot be read. */
async function collectAndSave(context: ActorContext, input: StepInput, signal: AbortSignal) {
  const read = await collect(context, input, signal).catch((error: unknown) => ({ error }));
  if (!signal.aborted) await saveWork(context, input, signal);
  if ('error' in read) throw read.error;
  return read;
}

/** Actors of the agent machine by name; any of them. */
export type AgentActors = NonNullable<Parameters<typeof agentMachine.provide>[0]['actors']>;
