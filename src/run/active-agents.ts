import type { RunEvent } from '../events.ts';

/** The agents that can continue: those that have started, have not ended, and wait neither for a secret nor for the user. */
export interface ActiveAgents {
  apply(event: RunEvent): void;
  readonly count: number;
}

export function activeAgents(): ActiveAgents {
  const active = new Set<string>();
  const ended = new Set<string>();
  return {
    apply(event) {
      if (event.type === 'agent.ended') {
        ended.add(event.agent);
        active.delete(event.agent);
      }
      // A resumed agent that has ended before goes through its last states again.
      if (event.type !== 'agent.state' || ended.has(event.agent)) return;
      if (event.state === 'waitingForSecrets' || event.state === 'awaitingApproval')
        active.delete(event.agent);
      else active.add(event.agent);
    },
    get count() {
      return active.size;
    },
  };
}
