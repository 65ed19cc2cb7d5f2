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
  /** The number of the last call before it began to wait. */
  readonly after: number;
  readonly isPatient: boolean;
  readonly resolve: (isAnswered: boolean) => void;
}

export function poll(options: PollOptions): Poll {
  const { ask, isNeeded, interval, signal, sleep, random, onUnreachable, onReachable } = options;
  const waiters = new Set<Waiter>();
  let asked = 0;
  /** Failures in a row, those that callers of `reachable` report included. */
  let failures = 0;
  let isAway = false;
  let isDoubted = false;
  let hurried = Promise.withResolvers<void>();

  const pause = async () => {
    const over = new AbortController();
    const limit = AbortSignal.any([signal, over.signal]);
    if (!isAway) await Promise.race([sleep(interval(), limit).catch(() => {}), hurried.promise]);
    over.abort();
    if (failures > 0) await sleep(backoff(failures, pauses, random), signal).catch(() => {});
  };

  const notify = (isAnswered: boolean) => {
    for (const waiter of waiters) {
      if (waiter.after >= asked || (waiter.isPatient && !isAnswered)) continue;
      waiters.delete(waiter);
      waiter.resolve(isAnswered);
    }
  };

  const question = async () => {
    asked++;
    hurried = Promise.withResolvers();
    const wasDoubted = isDoubted;
    isDoubted = false;
    try {
      await ask();
      failures = wasDoubted ? failures + 1 : 0;
      if (isAway) onReachable();
      isAway = false;
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      if (!isAway) onUnreachable(reasonOf(error));
      isAway = true;
    }
    notify(!isAway);
  };

  const loop = async () => {
    while (!signal.aborted) {
      await pause();
      if (signal.aborted) return;
      if (isAway || waiters.size > 0 || isNeeded()) await question();
      else hurried = Promise.withResolvers();
    }
  };

  const wait = (stop: AbortSignal, isPatient: boolean) => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { after: asked, isPatient, resolve };
    waiters.add(waiter);
    hurried.resolve();
    return raceAbort(promise, stop).finally(() => waiters.delete(waiter));
  };

  return {
    pollNow: () => hurried.resolve(),
    next: stop => wait(stop, false),
    async reachable(stop) {
      isDoubted ||= !isAway;
      await wait(stop, true);
    },
    closed: loop(),
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof DockerError) return error.stderr.trim() || 'docker did not respond';
  return error instanceof Error ? error.message : String(error);
}
