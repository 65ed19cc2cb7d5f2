import { createActor, fromPromise, type InspectionEvent } from 'xstate';
import { agentMachine } from '../../../machines/agent.ts';
import type { AgentInput, Reconciliation, StepInput } from '../../../machines/agent-types.ts';
import { flowMachine } from '../../../machines/flow.ts';
import type { End, EndRecord } from '../../../machines/outcome.ts';
import { StepError } from '../../../machines/step-error.ts';
import type { RunEventBody } from '../../../src/events.ts';
import { transitionEvents } from '../../../src/run/transitions.ts';
import { decision } from '../machines/scenarios/story.ts';

/** A value in inputs, outputs, contexts, events and errors of the flow below, which must never be sent. */
export const secret = 'hunter2-secret';

type StateEvent = Extract<RunEventBody, { type: 'agent.state' }>;

export interface TestFlow {
  /** Events as the journal records them. */
  readonly journal: RunEventBody[];
  states(agent: string): string[];
  start(): void;
  /** Let the agents continue after their first step, at which they wait. */
  release(): void;
  cancel(name: string): void;
  readonly ended: Promise<void>;
}

/** Run the real machines with actors that need no docker. `failures` counts failing attempts; -1 fails at networking. */
export function testFlow(
  agents: Readonly<Record<string, { retries?: number; failures?: number; dependsOn?: readonly string[] }>>,
  inspect: (event: InspectionEvent) => void,
): TestFlow {
  const journal: RunEventBody[] = [];
  const released = Promise.withResolvers<void>();
  const step = <Output>(work: (input: StepInput) => Output | Promise<Output>) =>
    fromPromise<Output, StepInput>(async ({ input }) => work(input));
  const end: End = { exitCode: 0, oomKilled: false, reason: 'died', at: 1 };
  const actors = {
    reconcile: step(async (): Promise<Reconciliation> => {
      await released.promise;
      return { ...fresh };
    }),
    ensureImage: step(() => ({ image: `registry/${secret}` })),
    ensureNetwork: step(({ name }) => {
      if (agents[name]?.failures !== -1) return;
      throw new StepError('network', `no network ${secret}`, { at: 1, command: `docker ${secret}` });
    }),
    createContainer: step(({ name }) => ({ containerId: `${secret} ${name}` })),
    startContainer: step(() => {}),
    waitForTmux: step((): End | null => null),
    inject: step(() => ({ injectedAt: 5 })),
    watch: step((): End | 'overdue' => end),
    collect: step(({ name, attempt }): { record: EndRecord | null } => {
      const fails = attempt <= (agents[name]?.failures ?? 0);
      return { record: { reason: 'exit', code: fails ? 7 : 0, oomKills: 0 } };
    }),
    removeContainer: step(() => {}),
    waitUntil: fromPromise<void, { at: number }>(async () => {}),
  };
  const record = transitionEvents(
    name => name in agents,
    event => journal.push(event),
    () => null,
  );
  const inputs: AgentInput[] = Object.entries(agents).map(([name, { retries = 0, dependsOn = [] }]) => ({
    name,
    dependsOn,
    retries,
    keep: 'never',
  }));
  const flow = createActor(
    flowMachine.provide({ actors: { agent: agentMachine.provide({ actors }) as never } }),
    {
      input: { agents: inputs, concurrency: 3 },
      inspect(event) {
        record(event);
        inspect(event);
      },
    },
  );
  const ended = new Promise<void>((resolve, reject) => {
    flow.subscribe({ complete: resolve, error: reject });
  });
  return {
    journal,
    states: agent => statesOf(journal, agent),
    start: () => void flow.start(),
    release: released.resolve,
    cancel: name => flow.send({ type: 'CANCEL_AGENT', name, reason: secret }),
    ended,
  };
}

/** Return the transitions of an agent as attempt and state, such as `1 running.working`. */
export const statesOf = (journal: readonly RunEventBody[], agent: string) =>
  journal
    .filter((event): event is StateEvent => event.type === 'agent.state' && event.agent === agent)
    .map(({ attempt, state }) => `${attempt} ${state}`);

const fresh = decision('building', { reason: secret });
