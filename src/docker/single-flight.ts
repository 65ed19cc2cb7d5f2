/** However many ask for one key at a time, the work is done once; a waiter that gives up does not stop it for the others. */
export function singleFlight<T>(
  work: (key: string) => Promise<T>,
): (key: string, signal?: AbortSignal) => Promise<T> {
  const flights = new Map<string, Promise<T>>();
  return (key, signal) => {
    let flight = flights.get(key);
    if (!flight) {
      flight = work(key);
      flights.set(key, flight);
      // What worked stays true for the run; what failed may be asked for again.
      flight.catch(() => flights.delete(key));
    }
    return signal ? raceAbort(flight, signal) : flight;
  };
}

/**
 * However many ask, the work is under way once: who asks meanwhile shares the next one, so no answer is older than its
 * question. A waiter that gives up does not stop it for the others.
 */
export function sharedFlight<T>(work: () => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let current: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | null = null;
  return signal => {
    if (next === null) {
      next = current.then(() => {
        next = null;
        const flight = work();
        current = flight.catch(() => {});
        return flight;
      });
    }
    return raceAbort(next, signal);
  };
}

/** The promise, or the signal's reason where that comes first. */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    // Also of one that nobody waits for any more the rejection is heard: an unheard one would end the process.
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
  });
}
