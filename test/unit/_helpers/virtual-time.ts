import { setImmediate as turn } from 'node:timers/promises';

/** A clock that only `pass` advances, from one sleep's end to the next. */
export function virtualTime() {
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();
  let now = 0;
  const sleep = (ms: number, signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const sleeper = { at: now + ms, wake: resolve };
      const stop = () => {
        sleepers.delete(sleeper);
        reject(signal.reason);
      };
      if (signal.aborted) return stop();
      sleepers.add(sleeper);
      signal.addEventListener('abort', stop, { once: true });
    });
  const settle = async () => {
    for (let turns = 0; turns < 5; turns++) await turn();
  };
  return {
    sleep,
    now: () => now,
    elapsed: () => now,
    /** Advance the clock by so many milliseconds. */
    async pass(ms: number) {
      const end = now + ms;
      for (await settle(); ; await settle()) {
        const [first] = [...sleepers].sort((a, b) => a.at - b.at);
        if (first === undefined || first.at > end) break;
        now = first.at;
        sleepers.delete(first);
        first.wake();
      }
      now = end;
    },
  };
}
