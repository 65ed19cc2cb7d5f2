import { oneLine } from '../text/text.ts';

/**
 * Wrap a callback of another program so that it never throws. Pass its error, or that of the promise that it returns, to
 * `fail`, and do not call it again after that. A returned promise is not awaited.
 */
export function guarded<A extends readonly unknown[]>(
  callback: (...args: A) => unknown,
  fail: (error: unknown) => void,
): (...args: A) => void {
  let hasFailed = false;
  const failOnce = (error: unknown) => {
    if (hasFailed) return;
    hasFailed = true;
    fail(error);
  };
  return (...args) => {
    if (hasFailed) return;
    try {
      const returned = callback(...args);
      if (isThenable(returned)) Promise.resolve(returned).then(undefined, failOnce);
    } catch (error) {
      failOnce(error);
    }
  };
}

/** Return one line on a value that a program gave as a reason, or threw. It need not be a string. */
export function inWords(value: unknown, otherwise: string): string {
  try {
    return oneLine(String(value instanceof Error ? value.message : value)).slice(0, 500) || otherwise;
  } catch {
    return otherwise;
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
