import type { Outcome } from './outcome.ts';

/** The result of a check on the saved work of an attempt. */
export interface CheckResult {
  readonly status: 'passed' | 'failed' | 'timedOut';
  /** Exit code of the check; null if it was stopped at its limit. */
  readonly exitCode: number | null;
  /** Why it did not pass, as text for the user; null if it passed. */
  readonly reason: string | null;
}

/** The check of an agent: its work is checked after each attempt that succeeds. */
export interface CheckInput {
  /** Maximum number of rounds, the first included. With 1 the check only judges. */
  readonly rounds: number;
}

export const isNotPassed = (result: CheckResult | null): boolean =>
  result !== null && result.status !== 'passed';

/** Return the outcome of an agent whose attempt succeeded, after the check of its work. */
export function outcomeOfCheck(
  outcome: Outcome,
  { status, exitCode, reason }: CheckResult,
  { round, rounds }: { readonly round: number; readonly rounds: number },
): Outcome {
  if (status === 'passed') return outcome;
  const which = rounds === 1 ? '' : ` in round ${round} of ${rounds}`;
  return {
    status: 'failed',
    exitCode: outcome.exitCode,
    error: {
      phase: 'checking',
      kind: 'check',
      message: `its check did not pass${which}: ${reason}`,
      ...(exitCode === null ? {} : { exitCode }),
    },
  };
}
