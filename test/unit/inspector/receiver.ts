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
  /** As `statesOf` tells them of the journal. */
  states(name: string): string[];
  until(look: (receiver: Receiver) => boolean): Promise<void>;
}

/** A client of Stately's protocol: the receiver of their own package, and a notebook. */
export function receiveFrom(pageUrl: string): Receiver {
  const events: StatelyInspectionEvent[] = [];
  const looks = new Set<() => void>();
  const server = `${pageUrl.replace('http:', 'ws:')}events`;
  createWebSocketReceiver({ server }).subscribe(event => {
    events.push(event);
    for (const look of [...looks]) look();
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
    until: look =>
      new Promise(resolve => {
        const check = () => {
          if (!look(self)) return;
          looks.delete(check);
          resolve();
        };
        looks.add(check);
        check();
      }),
  };
  return self;
}

export function placeOf(snapshot: unknown): string {
  const { value, context } = snapshot as { value: unknown; context: { attempt: number } };
  return `${context.attempt} ${stateName(value)}`;
}
