import { raceAbort } from './race-abort.ts';

/** Shares work that is under way among all that ask for it. Its result is not kept. */
export interface SharedWork {
  /** Call `work` unless work with this key is under way. A caller that aborts does not stop it for the others. */
  share<T>(key: string, work: () => Promise<T>, stop: AbortSignal): Promise<T>;
  underWay(): readonly Promise<unknown>[];
}

/** Each key must always have the same type of result. */
export function sharedWork(): SharedWork {
  const flights = new Map<string, Promise<unknown>>();
  return {
    share<T>(key: string, work: () => Promise<T>, stop: AbortSignal): Promise<T> {
      let flight = flights.get(key) as Promise<T> | undefined;
      if (!flight) {
        flight = work().finally(() => flights.delete(key));
        flights.set(key, flight);
        // Handle the rejection if all callers have aborted.
        flight.catch(() => {});
      }
      return raceAbort(flight, stop);
    },
    underWay: () => [...flights.values()],
  };
}
