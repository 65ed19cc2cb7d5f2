import { type BackoffOptions, backoff } from './backoff.ts';
import { DockerError } from './docker-error.ts';
import { raceAbort } from './single-flight.ts';

/**
 * Calls the engine repeatedly, one call at a time, for any number of waiters. While the engine is unreachable the pauses
 * grow (exponential backoff with jitter), and `pollNow` does not shorten them.
 */
export interface Poll {
  /** Call at once rather than at the next interval. */
  pollNow(): void;
  /** Resolves with whether the next call succeeds. */
  next(signal: AbortSignal): Promise<boolean>;
  /**
   * Resolves when a call that began after this one has succeeded. The caller's own command failed, so the pauses grow also
   * for an engine that responds to this call only.
   */
  reachable(signal: AbortSignal): Promise<void>;
  /** Resolves after the last call, when the options' signal has fired. */
  readonly closed: Promise<void>;
}

export interface PollOptions {
  /** Rejects if the engine is unreachable. */
  readonly ask: () => Promise<void>;
  /** Return whether the call is needed at this interval. */
  readonly isNeeded: () => boolean;
  /** Milliseconds between calls while the engine is reachable. */
  readonly interval: () => number;
  readonly signal: AbortSignal;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random?: (() => number) | undefined;
  /** Called once when the engine becomes unreachable, and once when it is reachable again. */
  readonly onUnreachable: (message: string) => void;
  readonly onReachable: () => void;
}

const pauses: BackoffOptions = { base: 200, most: 5_000 };

interface Waiter {
  /** Number of calls before it began to wait. */
  readonly after: number;
  readonly untilSuccess: boolean;
  readonly resolve: (isReachable: boolean) => void;
}

export function poll(options: PollOptions): Poll {
  const { ask, isNeeded, interval, signal, sleep, random, onUnreachable, onReachable } = options;
  const waiters = new Set<Waiter>();
  let calls = 0;
  /** Failures in a row, those that callers of `reachable` report included. */
  let failures = 0;
  let isUnreachable = false;
  let isDoubted = false;
  let wakeUp = Promise.withResolvers<void>();

  const pause = async () => {
    const over = new AbortController();
    const limit = AbortSignal.any([signal, over.signal]);
    if (!isUnreachable) await Promise.race([sleep(interval(), limit).catch(() => {}), wakeUp.promise]);
    over.abort();
    if (failures > 0) await sleep(backoff(failures, pauses, random), signal).catch(() => {});
  };

  const notify = (isReachable: boolean) => {
    for (const waiter of waiters) {
      if (waiter.after >= calls || (waiter.untilSuccess && !isReachable)) continue;
      waiters.delete(waiter);
      waiter.resolve(isReachable);
    }
  };

  const callOnce = async () => {
    calls++;
    wakeUp = Promise.withResolvers();
    const wasDoubted = isDoubted;
    isDoubted = false;
    try {
      await ask();
      failures = wasDoubted ? failures + 1 : 0;
      if (isUnreachable) onReachable();
      isUnreachable = false;
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      if (!isUnreachable) onUnreachable(reasonOf(error));
      isUnreachable = true;
    }
    notify(!isUnreachable);
  };

  const loop = async () => {
    while (!signal.aborted) {
      await pause();
      if (signal.aborted) return;
      if (isUnreachable || waiters.size > 0 || isNeeded()) await callOnce();
      else wakeUp = Promise.withResolvers();
    }
  };

  const wait = (stop: AbortSignal, untilSuccess: boolean) => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { after: calls, untilSuccess, resolve };
    waiters.add(waiter);
    wakeUp.resolve();
    return raceAbort(promise, stop).finally(() => waiters.delete(waiter));
  };

  return {
    pollNow: () => wakeUp.resolve(),
    next: stop => wait(stop, false),
    async reachable(stop) {
      isDoubted ||= !isUnreachable;
      await wait(stop, true);
    },
    closed: loop(),
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof DockerError) return error.stderr.trim() || 'docker did not respond';
  return error instanceof Error ? error.message : String(error);
}
