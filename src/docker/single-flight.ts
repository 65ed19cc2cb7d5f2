/** Share one run of the work among all concurrent callers of a key. A caller that aborts does not stop it for the others. */
export function memoizeAsync<T>(
  work: (key: string) => Promise<T>,
): (key: string, signal?: AbortSignal) => Promise<T> {
  const flights = new Map<string, Promise<T>>();
  return (key, signal) => {
    let flight = flights.get(key);
    if (!flight) {
      flight = work(key);
      flights.set(key, flight);
      // A result is kept for the run; a failure may be retried.
      flight.catch(() => flights.delete(key));
    }
    return signal ? raceAbort(flight, signal) : flight;
  };
}

/**
 * Run the work once at a time. Callers during a run share the next one, so no result is older than its call. A caller that
 * aborts does not stop it for the others.
 */
export function coalesce<T>(work: () => Promise<T>): (signal: AbortSignal) => Promise<T> {
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

/** Settle as the promise does, or reject with the signal's reason if that comes first. */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    // Handle the rejection after an abort as well: an unhandled one would end the process.
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
  });
}
