import { isCorrectable } from './correction.ts';
import type { Outcome } from './outcome.ts';

/** Upper limits of the waits for a quota, since an agent may report any reset time (I8). */
export const quotaWaitLimits = { maxWaits: 10, maxWaitMs: 8 * 24 * 3_600_000 } as const;

/** Return when an exhausted quota is reset; null where there is nothing to wait for. */
export const quotaResetAt = ({ error }: Outcome): number | null =>
  error?.kind === 'quota' ? (error.until ?? null) : null;

export const isHostLost = ({ error }: Outcome): boolean => error?.kind === 'hostLost';

/**
 * Return how many attempts count towards `retries`: those that ended with an exhausted quota or a lost host do not, nor those
 * that succeeded, whose check began another round, and those whose output was corrected.
 */
export const countedAttempts = (attempt: number, attempts: readonly Outcome[]) =>
  attempt -
  attempts.filter(
    each =>
      each.status === 'succeeded' || quotaResetAt(each) !== null || isHostLost(each) || isCorrectable(each),
  ).length;
