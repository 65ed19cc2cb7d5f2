import { createActor, type EventObject, type SnapshotFrom } from 'xstate';
import type { AgentInput, AgentOutput } from '../../../machines/agent-types.ts';
import type { FlowMachineEvent, flowMachine } from '../../../machines/flow.ts';
import { outputOf } from '../../../machines/flow-schedule.ts';
import type { FailureKind, Status } from '../../../machines/outcome.ts';
import { byHand, isRoot, resolve } from './by-hand.ts';
import { expect } from './walk.ts';

export type FlowMachine = typeof flowMachine;
type FlowSnapshot = SnapshotFrom<FlowMachine>;

/** The effects that are expected since the last call; no others may have happened. */
interface Seen {
  /** Agents that were started, in order. */
  readonly started?: readonly string[];
  /** Events that agents received: `fixer CANCEL`. */
  readonly received?: readonly string[];
  /** Agents that ended without a start: `reviewer skipped`. */
  readonly unstarted?: readonly string[];
  readonly states?: string;
}

export interface FlowWalk {
  sees(seen: Seen): FlowWalk;
  /** End an agent. */
  ends(name: string, status?: Status, kind?: FailureKind): FlowWalk;
  cancel(): FlowWalk;
  kill(): FlowWalk;
  cancelAgent(name: string): FlowWalk;
  output(name: string): AgentOutput | undefined;
  isOver(statuses: Readonly<Record<string, Status>>): void;
  readonly over: boolean;
}

export interface FlowPlan {
  /** Dependencies, by agent. */
  readonly agents: Readonly<Record<string, readonly string[]>>;
  readonly concurrency?: number;
  /** Agents that end as soon as they receive an event. */
  readonly obedient?: boolean;
}

const endOf = (name: string, status: Status, kind?: FailureKind): AgentOutput => ({
  name,
  status,
  exitCode: status === 'succeeded' ? 0 : null,
  error: kind ? { phase: 'creating', kind, message: `${kind} it is` } : null,
  containerId: `container-of-${name}`,
  image: 'image-1',
  attempts: [],
});

/** Start a flow whose agents do nothing until the test ends them. */
export function walkFlow(
  machine: FlowMachine,
  { agents, concurrency = 10, obedient = false }: FlowPlan,
): FlowWalk {
  let started: string[] = [];
  let received: string[] = [];
  let unstarted: string[] = [];
  let states: string[] = [];
  let at = '';
  let over = false;

  const logic = (): ReturnType<typeof byHand> => {
    const hand = byHand('agent');
    return {
      ...hand,
      getInitialSnapshot(scope, input) {
        const { name } = input as AgentInput;
        expect('its key', scope.id, name);
        started.push(name);
        return hand.getInitialSnapshot(scope, input);
      },
      transition(snapshot, event, scope) {
        if (event.type !== 'CANCEL' && event.type !== 'KILL') return hand.transition(snapshot, event, scope);
        received.push(`${scope.id} ${event.type}`);
        if (!obedient) return snapshot;
        const output = endOf(scope.id, 'cancelled');
        return hand.transition(snapshot, { type: 'resolve', output } as EventObject, scope);
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
    sees(seen) {
      const found = { started, received, unstarted, states: states.join(' > ') };
      expect('the flow', found, { started: [], received: [], unstarted: [], states: '', ...seen });
      [started, received, unstarted, states] = [[], [], [], []];
      return self;
    },
    ends(name, status = 'succeeded', kind) {
      const child = (actor.getSnapshot().children as Record<string, Parameters<typeof resolve>[0]>)[name];
      if (!child) throw new Error(`${name} does not live`);
      resolve(child, endOf(name, status, kind));
      return self;
    },
    cancel: () => send({ type: 'CANCEL', reason: 'asked to' }),
    kill: () => send({ type: 'KILL' }),
    cancelAgent: name => send({ type: 'CANCEL_AGENT', name, reason: 'asked to' }),
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
