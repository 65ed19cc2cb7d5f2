import type { RunEvent } from '../events.ts';
import { type AgentRecord, applyEvent, emptyRecord, reusedRecord } from './record.ts';

export interface RecordTracker {
  /** Apply an event to the records that it concerns: one, except for the start and a cancel of the run (I7). */
  apply(event: RunEvent): void;
  of(agent: string): AgentRecord | undefined;
}

/** Return the agents that one with `forEach` can become; none for any other. */
export type ItemsOf = (agent: string) => readonly string[];

/** Keep the records of these agents. */
export function trackRecords(agents: readonly string[], itemsOf: ItemsOf = () => []): RecordTracker {
  const records = new Map<string, AgentRecord>(agents.map(name => [name, emptyRecord]));
  /** By id: the agent that had the container last. */
  const owners = new Map<string, string>();

  const applyTo = (agent: string, event: RunEvent) => {
    const before = records.get(agent);
    if (before === undefined) return;
    const after = applyEvent(before, agent, event);
    records.set(agent, after);
    if (after.containerId === before.containerId) return;
    if (before.containerId !== null) owners.delete(before.containerId);
    if (after.containerId !== null) owners.set(after.containerId, agent);
  };

  return {
    apply(event) {
      if (event.type === 'run.started') {
        for (const { name, reused } of event.agents)
          if (reused !== undefined && records.has(name)) records.set(name, reusedRecord(reused));
      } else if (event.type === 'run.cancel') for (const agent of records.keys()) applyTo(agent, event);
      else if (event.type === 'container.started') {
        const owner = owners.get(event.containerId);
        if (owner !== undefined) applyTo(owner, event);
      } else if (event.type === 'agent.cancel') {
        for (const agent of [event.agent, ...itemsOf(event.agent)]) applyTo(agent, { ...event, agent });
      } else if ('agent' in event && event.agent !== null) applyTo(event.agent, event);
    },
    of: agent => records.get(agent),
  };
}
