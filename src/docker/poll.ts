import { type BackoffOptions, backoff } from '../async/backoff.ts';
import { raceAbort } from '../async/race-abort.ts';
import { DockerError } from './docker-error.ts';

/**
 * Calls the engine repeatedly, one call at a time, for any number of waiters. While the engine is unreachable the pauses
 * grow (exponential backoff with jitter), and `pollNow` does not shorten them.
 */
export interface Poll {
  /** Call at once rather than at the next interval. */
  pollNow(): void;
  /** Return whether calls are made: they are needed, or the engine is unreachable. */
  isActive(): boolean;
  /** Report that the engine is unreachable, as found without these calls. It is called at once, until a call succeeds. */
  reportUnreachable(reason: string): void;
  /** Call an unreachable engine at once. Ends the backoff, and a call that may wait for its timeout. */
  retryNow(): void;
  /** Resolves with whether the next call succeeds. */
  next(signal: AbortSignal): Promise<boolean>;
  /**
   * Resolves when a call that began after this one has succeeded. Call it after a command failed as unreachable. A list that
   * succeeds then does not reset the backoff, since the engine may respond to lists only.
   */
  waitUntilReachable(signal: AbortSignal): Promise<void>;
  /** Resolves after the last call, when the options' signal has fired. */
  readonly closed: Promise<void>;
}

export interface PollOptions {
  /** Rejects if the engine is unreachable, and when the signal fires. */
  readonly call: (signal: AbortSignal) => Promise<void>;
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

const pauses: BackoffOptions = { baseMs: 200, maxMs: 5_000 };

interface Waiter {
  /** The number of the last call before it began to wait. */
  readonly after: number;
  /** Waits for a success, through any number of failures. */
  readonly needsSuccess: boolean;
  readonly resolve: (succeeded: boolean) => void;
}

interface State {
  readonly waiters: Set<Waiter>;
  /** The number of calls so far. */
  calls: number;
  /** Consecutive failures, including those that `waitUntilReachable` reported. */
  failures: number;
  isUnreachable: boolean;
  /** `waitUntilReachable` reported a failure since the last call began. */
  hasFailureReport: boolean;
  /** Resolved when the next call is due at once. */
  due: PromiseWithResolvers<void>;
  /** Aborted when an unreachable engine is to be called at once. */
  retry: AbortController;
}

export function poll(options: PollOptions): Poll {
  const state: State = {
    waiters: new Set(),
    calls: 0,
    failures: 0,
    isUnreachable: false,
    hasFailureReport: false,
    due: Promise.withResolvers(),
    retry: new AbortController(),
  };
  return {
    pollNow: () => state.due.resolve(),
    isActive: () => isActive(state, options),
    reportUnreachable(reason) {
      markUnreachable(state, reason, options);
      state.due.resolve();
    },
    retryNow() {
      if (!state.isUnreachable) return;
      state.failures = 0;
      state.retry.abort();
    },
    next: stop => wait(state, stop, false),
    async waitUntilReachable(stop) {
      state.hasFailureReport ||= !state.isUnreachable;
      await wait(state, stop, true);
    },
    closed: loop(state, options),
  };
}

async function loop(state: State, options: PollOptions): Promise<void> {
  const { signal } = options;
  while (!signal.aborted) {
    await pause(state, options);
    if (signal.aborted) return;
    if (isActive(state, options)) await callOnce(state, options);
    else state.due = Promise.withResolvers();
  }
}

const isActive = ({ isUnreachable, waiters }: State, { isNeeded }: PollOptions): boolean =>
  isUnreachable || waiters.size > 0 || isNeeded();

async function pause(state: State, { interval, signal, sleep, random }: PollOptions): Promise<void> {
  const ended = new AbortController();
  const limit = AbortSignal.any([signal, ended.signal]);
  if (!state.isUnreachable) await Promise.race([sleep(interval(), limit).catch(() => {}), state.due.promise]);
  ended.abort();
  if (state.failures === 0) return;
  await sleep(backoff(state.failures, pauses, random), untilRetry(state, signal)).catch(() => {});
}

function untilRetry(state: State, signal: AbortSignal): AbortSignal {
  state.retry = new AbortController();
  return AbortSignal.any([signal, state.retry.signal]);
}

async function callOnce(state: State, options: PollOptions): Promise<void> {
  const { call, signal, onReachable } = options;
  const limit = untilRetry(state, signal);
  state.calls++;
  state.due = Promise.withResolvers();
  const hadFailureReport = state.hasFailureReport;
  state.hasFailureReport = false;
  try {
    await call(limit);
    state.failures = hadFailureReport ? state.failures + 1 : 0;
    if (state.isUnreachable) onReachable();
    state.isUnreachable = false;
  } catch (error) {
    if (limit.aborted) return;
    state.failures++;
    markUnreachable(state, reasonOf(error), options);
  }
  notify(state);
}

function markUnreachable(state: State, reason: string, { onUnreachable }: PollOptions): void {
  if (!state.isUnreachable) onUnreachable(reason);
  state.isUnreachable = true;
}

/** Resolve the waiters that began before the last call. */
function notify({ waiters, calls, isUnreachable }: State): void {
  for (const waiter of waiters) {
    if (waiter.after >= calls || (waiter.needsSuccess && isUnreachable)) continue;
    waiters.delete(waiter);
    waiter.resolve(!isUnreachable);
  }
}

function wait({ waiters, calls, due }: State, stop: AbortSignal, needsSuccess: boolean): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const waiter = { after: calls, needsSuccess, resolve };
  waiters.add(waiter);
  due.resolve();
  return raceAbort(promise, stop).finally(() => waiters.delete(waiter));
}

function reasonOf(error: unknown): string {
  if (error instanceof DockerError) return error.stderr.trim() || 'docker did not respond';
  return error instanceof Error ? error.message : String(error);
}
