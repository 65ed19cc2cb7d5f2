import { createActor, type EventObject, type SnapshotFrom } from 'xstate';
import type { AgentInput, AgentOutput, RequiredResult } from '../../../machines/agent-types.ts';
import type { FlowMachineEvent, flowMachine } from '../../../machines/flow.ts';
import type { ConditionInput, ConditionResult } from '../../../machines/flow-dependencies.ts';
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
  /** Conditions that were evaluated, such as `reviewer true`. */
  readonly conditions?: readonly string[];
  readonly states?: string;
}

interface FlowWalk {
  sees(expected: Effects): FlowWalk;
  /** End an agent. */
  ends(name: string, status?: Status, kind?: FailureKind): FlowWalk;
  /** End the evaluation of a condition that is open. */
  evaluates(name: string, holds: boolean): FlowWalk;
  cancel(): FlowWalk;
  kill(): FlowWalk;
  cancelAgent(name: string): FlowWalk;
  loseHost(name: string): FlowWalk;
  output(name: string): AgentOutput | undefined;
  isOver(statuses: Readonly<Record<string, Status>>): void;
  readonly over: boolean;
}

interface FlowPlan {
  /** Dependencies, by agent. */
  readonly agents: Readonly<Record<string, readonly string[]>>;
  /** The results that they need of dependencies, by agent. */
  readonly on?: Readonly<Record<string, Readonly<Record<string, RequiredResult>>>>;
  /** By agent: the result of its condition, by the statuses of its dependencies; `open` until the test evaluates it. */
  readonly when?: Readonly<
    Record<string, (statuses: readonly Status[]) => ConditionResult['holds'] | 'open'>
  >;
  /** By agent: those that it can become, and how many of them it becomes. */
  readonly lists?: Readonly<Record<string, { readonly names: readonly string[]; readonly size: number }>>;
  /** Agents that ended in an earlier process without having been started. */
  readonly earlier?: Readonly<Record<string, Status>>;
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

function ownerOf(name: string, lists: NonNullable<FlowPlan['lists']>): { itemOf?: string } {
  const owner = Object.entries(lists).find(([, { names }]) => names.includes(name));
  return owner === undefined ? {} : { itemOf: owner[0] };
}

/** Start a flow whose agents do nothing until the test ends them. */
function walkFlow(
  machine: FlowMachine,
  { agents, on = {}, when = {}, lists = {}, earlier = {}, concurrency = 10, endsOnEvent = false }: FlowPlan,
): FlowWalk {
  let started: string[] = [];
  let received: string[] = [];
  let unstarted: string[] = [];
  let conditions: string[] = [];
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
  /** Settles at once, unless the flow keeps it open. */
  const condition = (): ReturnType<typeof manualActor> => {
    const manual = manualActor('condition');
    return {
      ...manual,
      getInitialSnapshot(scope, input) {
        const { agent, outcomes } = input as ConditionInput;
        const snapshot = manual.getInitialSnapshot(scope, input);
        const holds = (when[agent] ?? (() => true))(Object.values(outcomes).map(({ status }) => status));
        conditions.push(`${agent} ${holds}`);
        if (holds === 'open') return snapshot;
        const size = lists[agent]?.size;
        const output: ConditionResult = {
          ...{ agent, holds, reason: `${agent} is ${holds}` },
          ...(size === undefined ? {} : { size }),
        };
        return { ...snapshot, status: 'done', output } as typeof snapshot;
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
      ...(on[name] && { on: on[name] }),
      ...(when[name] && { isConditional: true }),
      ...(lists[name] && { isConditional: true, expandsTo: lists[name].names }),
      ...ownerOf(name, lists),
      ...(earlier[name] && { unstarted: endOf(name, earlier[name]) }),
      retries: 0,
      keep: 'never' as const,
    })),
    concurrency,
  };
  const actor = createActor(
    machine.provide({ actors: { agent: logic() as never, condition: condition() as never } }),
    {
      input,
      inspect(inspected) {
        if (inspected.type === '@xstate.microstep' && isRoot(inspected))
          note(inspected.snapshot as FlowSnapshot);
      },
    },
  );
  actor.on('agent.notStarted', ({ output }) => unstarted.push(`${output.name} ${output.status}`));
  actor.subscribe({ error: error => void error });
  actor.start();
  note(actor.getSnapshot());

  const send = (event: FlowMachineEvent) => {
    actor.send(event);
    return self;
  };
  const childOf = (id: string) => {
    const child = (actor.getSnapshot().children as Record<string, Parameters<typeof resolve>[0]>)[id];
    if (!child) throw new Error(`${id} is not running`);
    return child;
  };
  const self: FlowWalk = {
    sees(expected) {
      const actual = { started, received, unstarted, conditions, states: states.join(' > ') };
      const none = { started: [], received: [], unstarted: [], conditions: [], states: '' };
      expect('the flow', actual, { ...none, ...expected });
      [started, received, unstarted, conditions, states] = [[], [], [], [], []];
      return self;
    },
    ends(name, status = 'succeeded', kind) {
      resolve(childOf(name), endOf(name, status, kind));
      return self;
    },
    evaluates(agent, holds) {
      resolve(childOf(`when:${agent}`), { agent, holds, reason: `${agent} is ${holds}` });
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

/** A story of a flow, which can be run with mutants of the machine too. */
export const scenario = (title: string, plan: FlowPlan, story: (flow: FlowWalk) => void) => ({
  title,
  run(machine: FlowMachine) {
    const flow = walkFlow(machine, plan);
    story(flow);
    if (!flow.over) throw new Error(`"${title}" does not end`);
  },
});
