import type { StatelyActorEvent, StatelyInspectionEvent } from '@statelyai/inspect';

export interface History {
  add(event: StatelyInspectionEvent): void;
  /** Return the events for a new client: all actors, then the recent events in order. */
  replay(): readonly StatelyInspectionEvent[];
}

/**
 * Keep every actor and the last events. A snapshot that is dropped becomes the initial one of its actor, so that the
 * remaining events continue from the real state.
 */
export function openHistory(size: number): History {
  const actors = new Map<string, StatelyActorEvent>();
  const recent: StatelyInspectionEvent[] = [];

  return {
    add(event) {
      if (event.type === '@xstate.actor') {
        actors.set(event.sessionId, event);
        return;
      }
      recent.push(event);
      if (recent.length <= size) return;
      const dropped = recent.shift();
      const actor = dropped && actors.get(dropped.sessionId);
      if (actor && dropped.type === '@xstate.snapshot')
        actors.set(actor.sessionId, { ...actor, snapshot: dropped.snapshot });
    },
    replay: () => [...actors.values(), ...recent],
  };
}
