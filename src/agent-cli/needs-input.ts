import type { InteractivePlan } from '../spec/plan.ts';

type Dialogs = InteractivePlan['dialogs'];

/**
 * Return a function that finds the title of the dialog on a screen. Only the bottom of the screen counts: the agent may
 * have printed the same words.
 */
export function dialogFinder(dialogs: Dialogs): (screen: string) => string | null {
  const known = dialogs.map(({ title, pattern }) => ({ title, pattern: new RegExp(pattern, 'm') }));
  return screen => known.find(({ pattern }) => pattern.test(bottom(screen)))?.title ?? null;
}

/** Return a function that finds this pattern at the bottom of a screen, at most ten times. */
export function confirmFinder(pattern: string | undefined): (screen: string) => boolean {
  if (pattern === undefined) return () => false;
  const expression = new RegExp(pattern, 'm');
  let left = 10;
  return screen => left > 0 && expression.test(bottom(screen)) && left-- > 0;
}

const bottom = (screen: string) =>
  screen
    .split('\n')
    .filter(line => line.trim() !== '')
    .slice(-20)
    .join('\n');

export interface Seen {
  readonly dialog: string | null;
  /** Milliseconds. */
  readonly stillFor: number;
  readonly isPromptGiven: boolean;
  readonly isPromptAccepted: boolean;
  readonly isInTurn: boolean;
}

/** Return why the CLI needs input; null if it does not. */
export function reasonForInput(seen: Seen, stalled: InteractivePlan['stalled']): string | null {
  if (seen.dialog !== null) return seen.dialog;
  if (stalled === null || seen.stillFor < stalled) return null;
  const reason = `has been stalled for ${Math.round(stalled / 1000)} s`;
  if (!seen.isPromptGiven) return `${reason} before its first prompt`;
  if (!seen.isPromptAccepted) return 'has not accepted its prompt';
  return seen.isInTurn ? `${reason} in the middle of a turn` : null;
}

/** Return a function that counts tries, from one again after any progress. */
export function triesUntil(progress: () => readonly number[]): () => number {
  let tries = 0;
  let last = '';
  return () => {
    const now = progress().join();
    tries = now === last ? tries + 1 : 1;
    last = now;
    return tries;
  };
}
