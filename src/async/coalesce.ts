import { raceAbort } from './race-abort.ts';

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
        const result = work();
        current = result.catch(() => {});
        return result;
      });
    }
    return raceAbort(next, signal);
  };
}
