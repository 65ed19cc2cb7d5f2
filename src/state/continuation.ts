import type { AttemptState, Usage } from './attempt-state.ts';
import { usageOf } from './usage.ts';

/** The attempt that another one continues, and how that one ended. */
export interface Continuation {
  readonly attempt: number;
  readonly end: 'check' | 'output' | 'quota' | 'failure';
}

interface Policy {
  readonly onRetry?: 'continue' | 'restart';
  readonly workspace: { readonly mode: string };
}

/**
 * Return the attempt whose work this one starts from; null if it starts from nothing. A retry that restarts begins as the
 * attempt before it has begun its round or correction: from the work of the last attempt whose check did not pass, or whose
 * output is to be corrected.
 */
export function continuationOf(
  policy: Policy,
  attempts: readonly AttemptState[],
  attempt: number,
): Continuation | null {
  const before = attempts.filter(entry => entry.attempt < attempt && entry.status !== null);
  const last = before.at(-1);
  if (last === undefined) return null;
  const end = endOf(last);
  if ((end === 'quota' || end === 'failure') && continuesAfter(policy, end) && isKept(policy, last))
    return { attempt: last.attempt, end };
  const begun = before.flatMap((entry): readonly Continuation[] => {
    const end = endOf(entry);
    const isBegun = end === 'check' || (end === 'output' && isKept(policy, entry));
    return isBegun ? [{ attempt: entry.attempt, end }] : [];
  });
  return begun.at(-1) ?? null;
}

function endOf({ status, check, error }: AttemptState): Continuation['end'] | null {
  if (check !== null && check !== undefined) return check.status === 'passed' ? null : 'check';
  // Nothing of the container is left on a lost host.
  if (status === 'succeeded' || error?.kind === 'hostLost') return null;
  if (error?.correctable) return 'output';
  return error?.kind === 'quota' ? 'quota' : 'failure';
}

const continuesAfter = ({ onRetry }: Policy, end: 'quota' | 'failure') =>
  end === 'quota' ? onRetry !== 'restart' : onRetry === 'continue';

/** Return whether the work of an attempt is whole, in a place that the next container gets it from. */
function isKept({ workspace: { mode } }: Policy, { isSaved, workspace }: AttemptState): boolean {
  const path = workspace?.path ?? null;
  // An incomplete copy has another name.
  if (mode === 'copy') return isSaved && path !== null && !path.endsWith('.making');
  if (mode !== 'clone') return true;
  const isLeft = path !== null || workspace?.volume !== undefined;
  return isSaved && (Boolean(workspace?.commit) || !isLeft);
}

/** Return the usage of the attempts whose conversation an attempt continues; null if none of them has reported any. */
export function usageBefore(attempts: readonly AttemptState[], attempt: number): Usage | null {
  const continued: AttemptState[] = [];
  for (let at = findAttempt(attempts, attempt); at?.continues?.problem === null; ) {
    at = findAttempt(attempts, at.continues.of);
    if (at !== undefined) continued.push(at);
  }
  return usageOf({ attempts: continued });
}

const findAttempt = (attempts: readonly AttemptState[], attempt: number) =>
  attempts.find(entry => entry.attempt === attempt);
