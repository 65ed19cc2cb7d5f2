import { createActor, type InspectionEvent } from 'xstate';
import { flowMachine } from '../../machines/flow.ts';
import type { ActorContext } from '../actors/context.ts';
import { type AgentActors, provideActors } from '../actors/provide.ts';
import type { AgentPlan } from '../spec/plan.ts';
import type { Journal } from '../store/journal.ts';
import { transcriptIn } from '../transcript/transcript.ts';
import { transitionEvents } from './transitions.ts';

export interface Drive {
  /** Resolves when every agent has come out. */
  readonly over: Promise<void>;
  cancel(reason: string): void;
  cancelAgent(name: string, reason: string): void;
  kill(): void;
  /** Lets go at once: nothing more is done, what lives in Docker lives on. */
  halt(): void;
}

export interface DriveOptions {
  readonly world: ActorContext;
  readonly journal: Journal;
  /** Agents whose end the journal tells of already. */
  readonly over?: ReadonlySet<string> | undefined;
  /** Somebody else who is told of every inspection event. */
  readonly inspect?: ((event: InspectionEvent) => void) | undefined;
  /** In place of those that act on Docker. */
  readonly actors?: AgentActors | undefined;
}

/** Sets the machines of a flow going, and tells the journal of all that they do. */
export function drive(agents: readonly AgentPlan[], concurrency: number, options: DriveOptions): Drive {
  const { world, journal, actors = {}, over: told = new Set<string>() } = options;
  const names = new Set(agents.map(({ name }) => name));
  const append: typeof journal.append = event => journal.append(event);

  const note = transitionEvents(
    name => names.has(name),
    event => void append(event),
    (name, attempt) => transcriptIn(world.transcript(name, attempt), world.identity(name, attempt).nonce),
    name => told.has(name),
    (name, attempt) => world.networks.blocked(name, attempt),
  );
  const agent = provideActors(world).provide({ actors });
  const flow = createActor(flowMachine.provide({ actors: { agent } }), {
    input: {
      agents: agents.map(({ name, dependsOn, retries, keep }) => ({ name, dependsOn, retries, keep })),
      concurrency,
    },
    inspect(event) {
      note(event);
      options.inspect?.(event);
    },
  });
  flow.on('agent.notStarted', ({ output: { name, attempts: _, ...output } }) => {
    if (!told.has(name)) void append({ type: 'agent.ended', agent: name, ...output });
  });
  const over = new Promise<void>((resolve, reject) => {
    flow.subscribe({ complete: resolve, error: reject });
  });
  flow.start();
  // XState warns of events for an actor that has ended.
  const isActive = () => flow.getSnapshot().status === 'active';

  return {
    over,
    cancel(reason) {
      if (!isActive()) return;
      void append({ type: 'run.cancel', reason });
      flow.send({ type: 'CANCEL', reason });
    },
    cancelAgent(name, reason) {
      if (!isActive()) return;
      void append({ type: 'agent.cancel', agent: name, reason });
      flow.send({ type: 'CANCEL_AGENT', name, reason });
    },
    kill() {
      if (isActive()) flow.send({ type: 'KILL' });
    },
    halt: () => flow.stop(),
  };
}
