import { createActor, type InspectionEvent } from 'xstate';
import { flowMachine } from '../../machines/flow.ts';
import type { ActorContext } from '../actors/context.ts';
import { type AgentActors, provideActors } from '../actors/provide.ts';
import type { AgentPlan } from '../spec/plan.ts';
import type { Journal } from '../store/journal.ts';
import { transcriptIn } from '../transcript/transcript.ts';
import { transitionEvents } from './transitions.ts';

export interface FlowDriver {
  /** Resolves when every agent has its outcome. */
  readonly done: Promise<void>;
  cancel(reason: string): void;
  cancelAgent(name: string, reason: string): void;
  kill(): void;
  /** Stop the machines at once. Containers stay as they are. */
  halt(): void;
}

export interface DriveOptions {
  readonly context: ActorContext;
  readonly journal: Journal;
  /** Agents whose outcome is in the journal already. */
  readonly ended: ReadonlySet<string>;
  /** Receives every inspection event. */
  readonly inspect?: ((event: InspectionEvent) => void) | undefined;
  /** Replace actors that act on Docker. */
  readonly actors?: AgentActors | undefined;
}

/** Start the machines of a flow, and journal their transitions. */
export function drive(agents: readonly AgentPlan[], concurrency: number, options: DriveOptions): FlowDriver {
  const { context, journal, ended } = options;
  const agent = provideActors(context, options.actors);
  const journalTransitions = transitionsOf(agents, options);
  const flow = createActor(flowMachine.provide({ actors: { agent } }), {
    input: {
      agents: agents.map(({ name, dependsOn, retries, keep }) => ({ name, dependsOn, retries, keep })),
      concurrency,
    },
    inspect(event) {
      journalTransitions(event);
      options.inspect?.(event);
    },
  });
  flow.on('agent.notStarted', ({ output: { name, attempts: _, ...output } }) => {
    if (!ended.has(name)) void journal.append({ type: 'agent.ended', agent: name, ...output });
  });
  const done = new Promise<void>((resolve, reject) => {
    flow.subscribe({ complete: resolve, error: reject });
  });
  flow.start();
  // XState warns of events for an actor that has ended.
  const isActive = () => flow.getSnapshot().status === 'active';

  return {
    done,
    cancel(reason) {
      if (!isActive()) return;
      void journal.append({ type: 'run.cancel', reason });
      flow.send({ type: 'CANCEL', reason });
    },
    cancelAgent(name, reason) {
      if (!isActive()) return;
      void journal.append({ type: 'agent.cancel', agent: name, reason });
      flow.send({ type: 'CANCEL_AGENT', name, reason });
    },
    kill() {
      if (isActive()) flow.send({ type: 'KILL' });
    },
    halt: () => flow.stop(),
  };
}

function transitionsOf(agents: readonly AgentPlan[], { context, journal, ended }: DriveOptions) {
  const names = new Set(agents.map(({ name }) => name));
  return transitionEvents(
    name => names.has(name),
    event => void journal.append(event),
    (name, attempt) => transcriptIn(context.transcript(name, attempt), context.identity(name, attempt).nonce),
    name => ended.has(name),
    (name, attempt) => context.networks.blocked(name, attempt),
  );
}
