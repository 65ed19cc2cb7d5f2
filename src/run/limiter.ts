import PQueue from 'p-queue';
import { asStepError } from '../../machines/step-error.ts';
import type { ConcurrencyLimiter } from '../actors/context.ts';
import { formatDuration } from '../text/duration.ts';

export interface LimiterOptions {
  /** Maximum concurrency, used while Docker keeps up. */
  readonly maxConcurrency: number;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Called with the new concurrency and the reason for it; null: the maximum again. */
  readonly onChange: (atOnce: number | null, reason: string) => void;
}

const slowCallMs = 5_000;

/**
 * Limit concurrent docker calls, and throttle them under back-pressure: a slow call or a transient failure halves the
 * concurrency, and a full round of fast calls raises it by one.
 */
export function adaptiveLimiter({ maxConcurrency, now, onChange }: LimiterOptions): ConcurrencyLimiter {
  const queue = new PQueue({ concurrency: maxConcurrency });
  let fastCalls = 0;
  let throttledAt = Number.NEGATIVE_INFINITY;

  const throttle = (reason: string, began: number) => {
    fastCalls = 0;
    // Ignore calls that began before the last throttling: they ran under the old limit.
    if (queue.concurrency === 1 || began <= throttledAt) return;
    throttledAt = now();
    queue.concurrency = Math.floor(queue.concurrency / 2);
    onChange(queue.concurrency, reason);
  };
  const relax = () => {
    if (queue.concurrency === maxConcurrency || ++fastCalls < queue.concurrency) return;
    fastCalls = 0;
    queue.concurrency++;
    onChange(queue.concurrency === maxConcurrency ? null : queue.concurrency, 'docker calls are fast again');
  };
  const measure = async <T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    const began = now();
    try {
      const done = await work();
      const took = now() - began;
      if (took > slowCallMs) throttle(`one docker call took ${formatDuration(took)}`, began);
      else relax();
      return done;
    } catch (error) {
      const { kind, message } = asStepError(error);
      if (kind === 'transient' && !signal.aborted) throttle(message, began);
      throw error;
    }
  };

  return async (work, signal) => {
    // Pass the signal to the queue only while the work waits: it would free the slot of a call that still runs.
    const waiting = new AbortController();
    const leave = () => waiting.abort(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    const begin = () => {
      signal.removeEventListener('abort', leave);
      return measure(work, signal);
    };
    return queue
      .add(begin, { signal: waiting.signal })
      .finally(() => signal.removeEventListener('abort', leave));
  };
}
