import {
  createWebSocketReceiver,
  type StatelyActorEvent,
  type StatelyInspectionEvent,
  type StatelySnapshotEvent,
} from '@statelyai/inspect';
import { stateName } from '../../../src/run/transitions.ts';

export interface Receiver {
  readonly events: StatelyInspectionEvent[];
  actor(name: string): StatelyActorEvent | undefined;
  snapshots(name: string): StatelySnapshotEvent[];
  /** Return the states of an agent in the format of `statesOf`. */
  states(name: string): string[];
  until(condition: (receiver: Receiver) => boolean): Promise<void>;
}

/** Connect with the receiver of Stately's own package, and collect its events. */
export function receiveFrom(pageUrl: string): Receiver {
  const events: StatelyInspectionEvent[] = [];
  const pending = new Set<() => void>();
  const server = `${pageUrl.replace('http:', 'ws:')}events`;
  createWebSocketReceiver({ server }).subscribe(event => {
    events.push(event);
    for (const check of [...pending]) check();
  });
  const self: Receiver = {
    events,
    actor: name =>
      events.find(
        (event): event is StatelyActorEvent => event.type === '@xstate.actor' && event.name === name,
      ),
    snapshots(name) {
      const id = self.actor(name)?.sessionId;
      return events.filter(
        (event): event is StatelySnapshotEvent => event.type === '@xstate.snapshot' && event.sessionId === id,
      );
    },
    states: name => self.snapshots(name).map(({ snapshot }) => placeOf(snapshot)),
    until: condition =>
      new Promise(resolve => {
        const check = () => {
          if (!condition(self)) return;
          pending.delete(check);
          resolve();
        };
        pending.add(check);
        check();
      }),
  };
  return self;
}

export function placeOf(snapshot: unknown): string {
  const { value, context } = snapshot as { value: unknown; context: { attempt: number } };
  return `${context.attempt} ${stateName(value)}`;
}
