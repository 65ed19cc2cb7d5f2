import { type BackoffOptions, backoff } from './backoff.ts';
import { DockerError } from './docker-error.ts';
import { raceAbort } from './single-flight.ts';

/**
 * Asks the engine one question again and again, never twice at once, however many wait for the answer. While there is
 * none the pauses grow (exponential backoff with jitter), and nobody can hurry it.
 */
export interface Poll {
  /** Ask at once rather than at the next interval. */
  pollNow(): void;
  /** Resolves with whether the engine answered the next question. */
  next(signal: AbortSignal): Promise<boolean>;
  /**
   * Resolves when the engine has answered a question asked after this call. To ask for it says that another command had
   * no answer: an engine that answers this question only is asked more and more slowly as well.
   */
  reachable(signal: AbortSignal): Promise<void>;
  /** Resolves when nothing is asked any more, after the options' signal has fired. */
  readonly closed: Promise<void>;
}

export interface PollOptions {
  /** Rejects where the engine does not answer. */
  readonly ask: () => Promise<void>;
  /** Whether anybody needs the answer at this interval. */
  readonly isNeeded: () => boolean;
  /** Milliseconds from one question to the next, while the engine answers. */
  readonly interval: () => number;
  readonly signal: AbortSignal;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random?: (() => number) | undefined;
  /** Called once when the engine does not answer any more, and once when it does again. */
  readonly onUnreachable: (message: string) => void;
  readonly onReachable: () => void;
}

const pauses: BackoffOptions = { base: 200, most: 5_000 };

interface Waiter {
  /** The number of the question that was asked last before it began to wait. */
  readonly after: number;
  readonly isPatient: boolean;
  readonly resolve: (isAnswered: boolean) => void;
}

export function poll(options: PollOptions): Poll {
  const { ask, isNeeded, interval, signal, sleep, random, onUnreachable, onReachable } = options;
  const waiters = new Set<Waiter>();
  let asked = 0;
  /** In a row; also of an engine that answers here while others have no answer. */
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

  const tell = (isAnswered: boolean) => {
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
    tell(!isAway);
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
