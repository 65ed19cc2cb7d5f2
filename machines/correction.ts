import type { Outcome } from './outcome.ts';

/** Return whether the next attempt corrects the output of this one. */
export const isCorrectable = ({ error }: Pick<Outcome, 'error'>): boolean => error?.correctable === true;

/** Return whether an output that does not count may be corrected: once for each agent. */
export const canCorrect = (previous: readonly Outcome[]): boolean => !previous.some(isCorrectable);
