import type { RunEvent } from '../events.ts';
import { type AgentRecord, emptyRecord } from '../recovery/record.ts';
import { type ItemsOf, trackRecords } from '../recovery/track-records.ts';
import type { AttemptState } from '../state/agent-state.ts';
import { type FlowState, liveFlowState, ofAgent } from '../state/flow-state.ts';
import { outputIn } from '../state/for-each-state.ts';
import { type Spending, trackSpending } from '../state/spending.ts';
import { type ActiveAgents, activeAgents } from './active-agents.ts';
import { type CancelDeadline, cancelDeadline } from './cancel-deadline.ts';

/** Everything that this process derives from the events of its run (I6: one event stream, many reducers). */
export interface RunTracker {
  apply(event: RunEvent): void;
  /** Return the current state, whose agents change with later events. */
  state(): FlowState;
  record(agent: string): AgentRecord;
  attempts(agent: string): readonly AttemptState[];
  readonly deadline: CancelDeadline;
  readonly active: ActiveAgents;
  readonly spending: Spending;
  /** Return the number of characters of all outputs in the journal, those of reused agents included. */
  outputSize(): number;
}

/** The spending of a run without a budget. */
const unlimited = () => trackSpending({ maxUsd: null, agents: [], limitOf: () => undefined });

export function trackRun(
  agents: readonly string[],
  spending: Spending = unlimited(),
  itemsOf: ItemsOf = () => [],
): RunTracker {
  const records = trackRecords(agents, itemsOf);
  const deadline = cancelDeadline(agents, itemsOf);
  const flow = liveFlowState();
  const active = activeAgents();
  let outputSize = 0;
  let reusedSize = 0;
  return {
    apply(event) {
      flow.apply(event);
      deadline.apply(event);
      records.apply(event);
      active.apply(event);
      spending.apply(event);
      if (event.type === 'agent.output') outputSize += event.json.length;
      // A resumed run begins with the same ones.
      if (event.type === 'run.started') reusedSize = sizeOfReused(event);
    },
    state: flow.current,
    record: agent => records.of(agent) ?? emptyRecord,
    attempts: agent => ofAgent(flow.current(), agent)?.attempts ?? [],
    deadline,
    active,
    spending,
    outputSize: () => outputSize + reusedSize,
  };
}

/** Return the branch of an agent that has ended, and its output as JSON; null for none. */
export function resultsOf(tracker: Pick<RunTracker, 'state' | 'attempts'>, name: string) {
  const { workspace = null, output = null } = tracker.attempts(name).at(-1) ?? {};
  const state = tracker.state();
  const agent = ofAgent(state, name);
  const branch = workspace?.branch ?? null;
  return { branch, output: agent?.forEach === undefined ? output : outputIn(state, agent) };
}

const sizeOfReused = ({ agents }: Extract<RunEvent, { type: 'run.started' }>) =>
  agents.reduce((sum, { reused }) => sum + (reused?.output?.length ?? 0), 0);
