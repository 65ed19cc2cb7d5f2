import type { RunEvent } from '../events.ts';
import {
  type AgentState,
  type EventOf,
  endAgent,
  endAttempt,
  endCheck,
  enter,
  noteCondition,
  noteContinued,
  noteConversation,
  noteOutput,
  place,
  type Status,
  saveWork,
} from './agent-state.ts';
import { noteApproval } from './approval-state.ts';
import { expandAgent, partAgents, withItems } from './for-each-state.ts';
import { initialAgent } from './reused-agent.ts';

export type { AgentState, AttemptState, Failure, Status } from './agent-state.ts';

export interface FlowState {
  readonly runId: string;
  readonly name: string;
  readonly concurrency: number;
  /** The run that it repeats; null if it repeats none. */
  readonly rerunOf: string | null;
  /** The budget of the run in US dollars; null without one. */
  readonly maxUsd: number | null;
  readonly agents: Readonly<Record<string, AgentState>>;
  /** Agents for items of a list that is not known, or that do not exist since it has fewer items. */
  readonly reserved: Readonly<Record<string, AgentState>>;
  /** The Docker engines that count as unreachable, with the reason. A host of null is the engine of the run. */
  readonly unreachable: readonly { readonly host: string | null; readonly message: string }[];
  /** The limit of containers that are created or started at once while it is lowered; null for the default limit. */
  readonly startLimit: number | null;
  /** Why the run was cancelled; null if it was not. */
  readonly cancelled: string | null;
  readonly warnings: readonly { readonly agent: string | null; readonly message: string }[];
  readonly dockerCalls: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly ended: { readonly status: Status; readonly exitCode: number } | null;
}

/**
 * The state of a run before its first event.
 *
 * @example
 * ```ts
 * import { initialFlowState } from 'agent-flow';
 *
 * console.log(Object.keys(initialFlowState.agents).length); // 0
 * ```
 */
export const initialFlowState: FlowState = {
  runId: '',
  name: '',
  concurrency: 1,
  rerunOf: null,
  maxUsd: null,
  agents: {},
  reserved: {},
  unreachable: [],
  startLimit: null,
  cancelled: null,
  warnings: [],
  dockerCalls: 0,
  startedAt: null,
  endedAt: null,
  ended: null,
};

/**
 * Return the state of a run after one more event of its journal, as every view shows it. The function is pure and does not
 * throw; events of an unknown agent are ignored. Times are in milliseconds since the epoch. Each call copies the map of
 * agents.
 *
 * @example
 * ```ts
 * import { initialFlowState, reduce, resultOf, runFlow } from 'agent-flow';
 *
 * let state = initialFlowState;
 * const spec = { name: 'seen', agents: { a: { command: ['false'], memory: '128m', cpus: 1 } } };
 * await runFlow(spec, { onEvent: event => { state = reduce(state, event); } });
 * console.log(state.name, resultOf(state).agents.a?.error?.kind); // seen exit
 * ```
 */
export const reduce = (state: FlowState, event: RunEvent): FlowState => reduceWith(state, event, copying);

/** A state that follows the events of a run. */
export interface LiveFlowState {
  apply(event: RunEvent): void;
  /** Return the current state. Its agents and warnings change with later events; each agent is a value of its own. */
  current(): FlowState;
}

/** Follow the events of a run. An event costs the same for any number of agents (I7), since no earlier state is kept. */
export function liveFlowState(past: Iterable<RunEvent> = [], before = initialFlowState): LiveFlowState {
  let state: FlowState = { ...before, agents: { ...before.agents }, warnings: [...before.warnings] };
  const apply = (event: RunEvent) => {
    state = reduceWith(state, event, inPlace);
  };
  for (const event of past) apply(event);
  return { apply, current: () => state };
}

/** Return the state of a run after these events, as a value of its own. */
export const stateAfter = (events: Iterable<RunEvent>, before = initialFlowState): FlowState =>
  liveFlowState(events, before).current();

type Agents = FlowState['agents'];
type Warnings = FlowState['warnings'];

/** Replace an agent, or add a warning. */
interface Update {
  agent(agents: Agents, agent: AgentState): Agents;
  warning(warnings: Warnings, warning: Warnings[number]): Warnings;
}

const copying: Update = {
  agent: (agents, agent) => ({ ...agents, [agent.name]: agent }),
  warning: (warnings, warning) => [...warnings, warning],
};

const inPlace: Update = {
  agent(agents, agent) {
    (agents as Record<string, AgentState>)[agent.name] = agent;
    return agents;
  },
  warning(warnings, warning) {
    (warnings as Warnings[number][]).push(warning);
    return warnings;
  },
};

function reduceWith(state: FlowState, event: RunEvent, update: Update): FlowState {
  const change = (name: string, next: (agent: AgentState) => AgentState): FlowState => {
    const agent = ofAgent(state, name);
    return agent ? { ...state, agents: update.agent(state.agents, next(agent)) } : state;
  };
  switch (event.type) {
    case 'run.started':
      return start(state, event);
    case 'agent.state':
      return change(event.agent, agent => enter(agent, event));
    case 'agent.placed':
      return change(event.agent, agent => place(agent, event));
    case 'agent.condition':
      return change(event.agent, agent => noteCondition(agent, event));
    case 'agent.expanded':
      return expandAgent(state, event);
    case 'agent.output':
      return change(event.agent, agent => noteOutput(agent, event));
    case 'approval.requested':
    case 'approval.decided':
      return change(event.agent, agent => noteApproval(agent, event));
    case 'attempt.ended':
      return change(event.agent, agent => endAttempt(agent, event));
    case 'check.ended':
      return change(event.agent, agent => endCheck(agent, event));
    case 'conversation.kept':
      return change(event.agent, agent => noteConversation(agent, event));
    case 'conversation.continued':
      return change(event.agent, agent => noteContinued(agent, event));
    case 'workspace.saved':
      return change(event.agent, agent => saveWork(agent, event));
    case 'agent.ended':
      return change(event.agent, agent => endAgent(agent, event));
    case 'docker.call':
      return { ...state, dockerCalls: state.dockerCalls + 1 };
    case 'engine.unreachable':
      return {
        ...state,
        unreachable: [...others(state, event), { host: event.host ?? null, message: event.message }],
      };
    case 'engine.reachable':
      return { ...state, unreachable: others(state, event) };
    case 'engine.throttled':
      return { ...state, startLimit: event.atOnce };
    case 'run.cancel':
      return { ...state, cancelled: state.cancelled ?? event.reason };
    case 'warning': {
      const { agent, message } = event;
      return { ...state, warnings: update.warning(state.warnings, { agent, message }) };
    }
    case 'run.ended':
      return { ...state, endedAt: event.at, ended: { status: event.status, exitCode: event.exitCode } };
    case 'agent.cancel':
    case 'agent.inputs':
    case 'attempt.budget':
    case 'container.started':
    case 'docker.result':
      return state;
  }
}

export const isUnreachable = (
  { unreachable }: FlowState,
  { host }: { readonly host?: string | null },
): boolean => unreachable.some(engine => engine.host === (host ?? null));

const others = ({ unreachable }: FlowState, { host }: { readonly host?: string }) =>
  unreachable.filter(engine => engine.host !== (host ?? null));

export const ofAgent = (state: FlowState, name: string): AgentState | undefined =>
  Object.hasOwn(state.agents, name) ? state.agents[name] : undefined;

/** A resumed run starts again in the same journal: the states of its agents are kept. */
function start(
  state: FlowState,
  { runId, name, concurrency, rerunOf, maxUsd, agents, at }: EventOf<'run.started'>,
): FlowState {
  const known = agents.map(agent => ofAgent(state, agent.name) ?? initialAgent(agent, at));
  return {
    ...state,
    runId,
    name,
    concurrency,
    rerunOf: rerunOf ?? null,
    maxUsd: maxUsd ?? null,
    ...partAgents(withItems(known, agents), state.agents),
    unreachable: [],
    startLimit: null,
    startedAt: state.startedAt ?? at,
    endedAt: null,
    ended: null,
  };
}
