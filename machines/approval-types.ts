import type { Outcome } from './outcome.ts';

/** The answer to an approval. */
export interface Decision {
  readonly decision: 'approved' | 'rejected';
  /** The source: a command of the user, the page of the inspector, the default after the timeout, or `run --yes`. */
  readonly source: 'user' | 'inspector' | 'timeout' | 'option';
  /** The user of the process that requested it, as `name@host`; null for a timeout or option. */
  readonly by: string | null;
  /** The reason, as text for the user; null for none. */
  readonly reason: string | null;
}

/** An approval as the journal has it. */
export interface RequestedApproval {
  /** When its default applies, milliseconds since the epoch. */
  readonly until: number;
  /** null before the decision. */
  readonly decision: Decision | null;
  /** A cancel was requested before. */
  readonly cancelled: boolean;
}

export interface DecisionInput {
  readonly name: string;
  readonly until: number;
}

/** The fields of an agent that the journal records of each transition; an approval has no container. */
export interface ApprovalContext {
  readonly name: string;
  readonly attempt: 1;
  readonly containerId: null;
  readonly injectedAt: null;
  readonly waitEndsAt: number;
  readonly outcome: Outcome;
}

export type ApprovalEvent = { type: 'CANCEL'; reason: string } | { type: 'KILL' } | { type: 'HOST_LOST' };

/** Return a decision as text for the user: `rejected by ann@host: not on a Friday`. */
export const decisionText = ({ decision, source, by, reason }: Decision): string => {
  const who = by === null ? '' : ` by ${by}`;
  const where = source === 'inspector' ? ' in the inspector' : '';
  return `${decision}${who}${where}${reason === null ? '' : `: ${reason}`}`;
};
