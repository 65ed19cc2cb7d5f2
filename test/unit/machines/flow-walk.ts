import { createActor, type EventObject, type SnapshotFrom } from 'xstate';
import type { AgentInput, AgentOutput } from '../../../machines/agent-types.ts';
import type { FlowMachineEvent, flowMachine } from '../../../machines/flow.ts';
import { outputOf } from '../../../machines/flow-schedule.ts';
import type { FailureKind, Status } from '../../../machines/outcome.ts';
import { isRoot, manualActor, resolve } from './manual-actor.ts';
import { expect } from './walk.ts';

export type FlowMachine = typeof flowMachine;
type FlowSnapshot = SnapshotFrom<FlowMachine>;

/** The expected effects since the last call; any other effect is an error. */
interface Effects {
  /** Started agents, in order. */
  readonly started?: readonly string[];
  /** Events that agents received, such as `fixer CANCEL`. */
  readonly received?: readonly string[];
  /** Agents that ended without a start, such as `reviewer skipped`. */
  readonly unstarted?: readonly string[];
  readonly states?: string;
}

export interface FlowWalk {
  sees(expected: Effects): FlowWalk;
  /** End an agent. */
  ends(name: string, status?: Status, kind?: FailureKind): FlowWalk;
  cancel(): FlowWalk;
  kill(): FlowWalk;
  cancelAgent(name: string): FlowWalk;
  loseHost(name: string): FlowWalk;
  output(name: string): AgentOutput | undefined;
  isOver(statuses: Readonly<Record<string, Status>>): void;
  readonly over: boolean;
}

export interface FlowPlan {
  /** Dependencies, by agent. */
  readonly agents: Readonly<Record<string, readonly string[]>>;
  readonly concurrency?: number;
  /** Agents that end as soon as they receive an event. */
  readonly endsOnEvent?: boolean;
}

const endOf = (name: string, status: Status, kind?: FailureKind): AgentOutput => ({
  name,
  status,
  exitCode: status === 'succeeded' ? 0 : null,
  error: kind ? { phase: 'creating', kind, message: `${kind} failure` } : null,
  containerId: `container-of-${name}`,
  image: 'image-1',
  attempts: [],
});

/** Start a flow whose agents do nothing until the test ends them. */
export function walkFlow(
  machine: FlowMachine,
  { agents, concurrency = 10, endsOnEvent = false }: FlowPlan,
): FlowWalk {
  let started: string[] = [];
  let received: string[] = [];
  let unstarted: string[] = [];
  let states: string[] = [];
  let at = '';
  let over = false;

  const logic = (): ReturnType<typeof manualActor> => {
    const manual = manualActor('agent');
    return {
      ...manual,
      getInitialSnapshot(scope, input) {
        const { name } = input as AgentInput;
        expect('actor id', scope.id, name);
        started.push(name);
        return manual.getInitialSnapshot(scope, input);
      },
      transition(snapshot, event, scope) {
        if (!['CANCEL', 'KILL', 'HOST_LOST'].includes(event.type))
          return manual.transition(snapshot, event, scope);
        received.push(`${scope.id} ${event.type}`);
        if (!endsOnEvent) return snapshot;
        const output = endOf(scope.id, 'cancelled');
        return manual.transition(snapshot, { type: 'resolve', output } as EventObject, scope);
      },
    };
  };
  const note = ({ value }: Pick<FlowSnapshot, 'value'>) => {
    if (value !== at) states.push(value as string);
    at = value as string;
  };
  const input = {
    agents: Object.entries(agents).map(([name, dependsOn]) => ({
      name,
      dependsOn,
      retries: 0,
      keep: 'never' as const,
    })),
    concurrency,
  };
  const actor = createActor(machine.provide({ actors: { agent: logic() as never } }), {
    input,
    inspect(inspected) {
      if (inspected.type === '@xstate.microstep' && isRoot(inspected))
        note(inspected.snapshot as FlowSnapshot);
    },
  });
  actor.on('agent.notStarted', ({ output }) => unstarted.push(`${output.name} ${output.status}`));
  actor.subscribe({ error: error => void error });
  actor.start();
  note(actor.getSnapshot());

  const send = (event: FlowMachineEvent) => {
    actor.send(event);
    return self;
  };
  const self: FlowWalk = {
    sees(expected) {
      const actual = { started, received, unstarted, states: states.join(' > ') };
      expect('the flow', actual, { started: [], received: [], unstarted: [], states: '', ...expected });
      [started, received, unstarted, states] = [[], [], [], []];
      return self;
    },
    ends(name, status = 'succeeded', kind) {
      const child = (actor.getSnapshot().children as Record<string, Parameters<typeof resolve>[0]>)[name];
      if (!child) throw new Error(`${name} is not running`);
      resolve(child, endOf(name, status, kind));
      return self;
    },
    cancel: () => send({ type: 'CANCEL', reason: 'requested' }),
    kill: () => send({ type: 'KILL' }),
    cancelAgent: name => send({ type: 'CANCEL_AGENT', name, reason: 'requested' }),
    loseHost: name => send({ type: 'HOST_LOST', name }),
    output: name => outputOf(actor.getSnapshot().context, name) ?? undefined,
    isOver(statuses) {
      self.sees({});
      const { status, output } = actor.getSnapshot();
      expect('the machine', status, 'done');
      const ended = Object.entries(output!.agents).map(([name, agent]) => [name, agent.status] as const);
      expect('its agents', Object.fromEntries(ended), statuses);
      over = true;
    },
    get over() {
      return over;
    },
  };
  return self;
}
