/** In milliseconds. */
export interface BackoffOptions {
  /** The longest pause after the first failure; doubled with each one that follows. */
  readonly base: number;
  readonly most: number;
}

/**
 * Exponential backoff with full jitter: a random pause, in milliseconds, so that those who failed together do not come
 * back together.
 *
 * @param failures In a row so far, at least 1.
 */
export const backoff = (
  failures: number,
  { base, most }: BackoffOptions,
  random: () => number = Math.random,
): number => random() * Math.min(most, base * 2 ** (failures - 1));
