import type { RunEvent } from '../events.ts';
import { type AgentRecord, applyEvent, emptyRecord } from '../recovery/record.ts';
import type { AttemptState } from '../state/agent-state.ts';
import { type FlowState, initialFlowState, ofAgent, reduce } from '../state/flow-state.ts';
import { type ShutdownDeadline, shutdownDeadline } from './shutdown-deadline.ts';

/** Everything that this process derives from the events of its run (I6: one event stream, many reducers). */
export interface RunTracker {
  apply(event: RunEvent): void;
  state(): FlowState;
  record(agent: string): AgentRecord;
  attempts(agent: string): readonly AttemptState[];
  readonly deadline: ShutdownDeadline;
}

export function trackRun(agents: readonly string[]): RunTracker {
  const records = new Map<string, AgentRecord>(agents.map(name => [name, emptyRecord]));
  const deadline = shutdownDeadline(agents);
  let state = initialFlowState;
  return {
    apply(event) {
      state = reduce(state, event);
      deadline.apply(event);
      for (const [name, record] of records) records.set(name, applyEvent(record, name, event));
    },
    state: () => state,
    record: agent => records.get(agent) ?? emptyRecord,
    attempts: agent => ofAgent(state, agent)?.attempts ?? [],
    deadline,
  };
}
