import { setTimeout as delay } from 'node:timers/promises';

/** Time is passed in, so that tests control it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds of a monotonic clock, for durations only. */
  elapsed(): number;
  /** Rejects when the signal fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

type Sleep = Clock['sleep'];

/** The longest wait of a timer of Node, in milliseconds, some 24.8 days; a longer one would fire at once. */
const longestTimer = 2 ** 31 - 1;

/** Sleep for any time, by sleeps of at most `longest` milliseconds. */
export const inPieces =
  (sleep: Sleep, longest = longestTimer): Sleep =>
  async (ms, signal) => {
    let left = ms;
    for (; left > longest; left -= longest) await sleep(longest, signal);
    await sleep(left, signal);
  };

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => Math.round(performance.now()),
  sleep: inPieces((ms, signal) => delay(ms, undefined, { signal })),
};
