import type { AttemptState } from './agent-state.ts';
import { lastFailedCheck } from './rounds.ts';

/** The output of an attempt that later ones correct. They start from its saved work. */
export interface Correction {
  readonly attempt: number;
  /** Why the output does not count, as text for the user. */
  readonly problem: string;
}

/** Return what an attempt has to correct; null if there is nothing, or another round has begun since. */
export function correctionBefore(attempts: readonly AttemptState[], attempt: number): Correction | null {
  const last = attempts.findLast(entry => entry.attempt < attempt && entry.error?.correctable === true);
  const checked = lastFailedCheck(attempts, attempt)?.attempt ?? 0;
  return last === undefined || last.attempt < checked
    ? null
    : { attempt: last.attempt, problem: last.error!.message };
}
