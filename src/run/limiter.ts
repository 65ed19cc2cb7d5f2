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
  const queue: PromiseWithResolvers<void>[] = [];
  let places = most;
  let busy = 0;
  let quick = 0;
  let narrowedAt = Number.NEGATIVE_INFINITY;

  const admit = () => {
    while (busy < places && queue.length > 0) {
      busy++;
      queue.shift()!.resolve();
    }
  };
  const narrow = (reason: string, began: number) => {
    quick = 0;
    // What was under way already when it got narrower says nothing new.
    if (places === 1 || began <= narrowedAt) return;
    narrowedAt = now();
    places = Math.floor(places / 2);
    onChange(places, reason);
  };
  const widen = () => {
    if (places === most || ++quick < places) return;
    quick = 0;
    places++;
    onChange(places === most ? null : places, 'it answers quickly again');
  };

  return async (work, signal) => {
    const place = Promise.withResolvers<void>();
    queue.push(place);
    admit();
    const leave = () => {
      const at = queue.indexOf(place);
      if (at >= 0) queue.splice(at, 1);
      place.reject(signal.reason);
    };
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    await place.promise.finally(() => signal.removeEventListener('abort', leave));

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
    } finally {
      busy--;
      admit();
    }
  };
}
