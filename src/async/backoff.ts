/** In milliseconds. */
export interface BackoffOptions {
  /** The longest pause after the first failure; doubled after each further one. */
  readonly baseMs: number;
  readonly maxMs: number;
}

/**
 * Return a random pause in milliseconds by exponential backoff with full jitter, so that callers that failed together do
 * not retry together.
 *
 * @param failures In a row so far, at least 1.
 */
export const backoff = (
  failures: number,
  { baseMs, maxMs }: BackoffOptions,
  random: () => number = Math.random,
): number => random() * Math.min(maxMs, baseMs * 2 ** (failures - 1));
