import PQueue from 'p-queue';
import { asStepError } from '../../machines/step-error.ts';
import type { ConcurrencyLimiter } from '../actors/context.ts';
import { formatDuration } from '../text/duration.ts';

export interface LimiterOptions {
  /** How many may be at it at once while Docker keeps up. */
  readonly most: number;
  /** Milliseconds of a clock that nobody sets. */
  readonly now: () => number;
  /** Told how many places there are from now on, and why; null: as many as ever. */
  readonly onChange: (atOnce: number | null, reason: string) => void;
}

/** An answer that takes longer than this, in milliseconds, is a slow one. */
const slow = 5_000;

/**
 * Back-pressure: a Docker that answers slowly, or refuses for a reason that passes, is asked half as much at once; for
 * every round of quick answers it gets one place back.
 */
export function adaptiveLimiter({ most, now, onChange }: LimiterOptions): ConcurrencyLimiter {
  const queue = new PQueue({ concurrency: most });
  let quick = 0;
  let narrowedAt = Number.NEGATIVE_INFINITY;

  const narrow = (reason: string, began: number) => {
    quick = 0;
    // What was under way already when it got narrower says nothing new.
    if (queue.concurrency === 1 || began <= narrowedAt) return;
    narrowedAt = now();
    queue.concurrency = Math.floor(queue.concurrency / 2);
    onChange(queue.concurrency, reason);
  };
  const widen = () => {
    if (queue.concurrency === most || ++quick < queue.concurrency) return;
    quick = 0;
    queue.concurrency++;
    onChange(queue.concurrency === most ? null : queue.concurrency, 'it answers quickly again');
  };
  const measure = async <T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    const began = now();
    try {
      const done = await work();
      const took = now() - began;
      if (took > slow) narrow(`it took ${formatDuration(took)} over one container`, began);
      else widen();
      return done;
    } catch (error) {
      const { kind, message } = asStepError(error);
      if (kind === 'transient' && !signal.aborted) narrow(message, began);
      throw error;
    }
  };

  return async (work, signal) => {
    // The queue sees the signal only while the work waits: it would give away the place of a call that still runs.
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
