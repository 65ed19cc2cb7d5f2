import type { StatelyActorEvent, StatelyInspectionEvent } from '@statelyai/inspect';

export interface History {
  add(event: StatelyInspectionEvent): void;
  /** What somebody who comes now has to be told: all actors, then what they went through, in order. */
  replay(): readonly StatelyInspectionEvent[];
}

/**
 * Remembers every actor and the last events. A snapshot that has to be forgotten becomes the one that its actor
 * is introduced with, so the story that is left begins where each actor really was.
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
      const forgotten = recent.shift();
      const actor = forgotten && actors.get(forgotten.sessionId);
      if (actor && forgotten.type === '@xstate.snapshot')
        actors.set(actor.sessionId, { ...actor, snapshot: forgotten.snapshot });
    },
    replay: () => [...actors.values(), ...recent],
  };
}
