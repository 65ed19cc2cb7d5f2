import type { AgentContext } from './agent-types.ts';
import { quotaResetAt, quotaWaitLimits } from './quota.ts';

/** Maximum tries of a step. */
export const maxTries = 8;
/** Milliseconds between two tries of a step: 100, doubled each time, at most 5,000. */
export const backOffDelay = (failures: number) => Math.min(100 * 2 ** (failures - 1), 5_000);
/** Milliseconds between a failed attempt and the next one: 1,000, doubled each time, at most 30,000. */
export const attemptDelay = (attempt: number) => Math.min(1_000 * 2 ** (attempt - 1), 30_000);

type EndedAttempt = Pick<AgentContext, 'outcome' | 'end' | 'attempt'>;

/** Return when the next attempt may begin: after its delay, and not before an exhausted quota is reset. */
export const nextAttemptAt = ({ outcome, end, attempt }: EndedAttempt) => {
  const since = end?.at ?? 0;
  // The limit also applies if the clock was set back after the reset time was journaled.
  const resetsAt = Math.min((outcome && quotaResetAt(outcome)) ?? 0, since + quotaWaitLimits.maxWaitMs);
  return Math.max(resetsAt, since + attemptDelay(attempt));
};
