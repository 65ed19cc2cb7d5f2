import { raceAbort } from './race-abort.ts';

/**
 * Call `work` once per key and keep its result; a failure is not kept. A caller that aborts does not stop the work for the
 * others.
 */
export function memoizeAsync<T>(
  work: (key: string) => Promise<T>,
): (key: string, signal?: AbortSignal) => Promise<T> {
  const results = new Map<string, Promise<T>>();
  return (key, signal) => {
    let result = results.get(key);
    if (!result) {
      result = work(key);
      results.set(key, result);
      result.catch(() => results.delete(key));
    }
    return signal ? raceAbort(result, signal) : result;
  };
}
