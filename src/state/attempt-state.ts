import type { RunEvent } from '../events.ts';

export type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;
export type Status = EventOf<'agent.ended'>['status'];
export type Failure = NonNullable<EventOf<'agent.ended'>['error']>;

export type Usage = NonNullable<EventOf<'attempt.ended'>['usage']>;

export interface AttemptState {
  readonly attempt: number;
  /** The host that a scheduler has placed it on; null without one. */
  readonly host: string | null;
  /** null until the attempt has ended. */
  readonly status: Status | null;
  readonly exitCode: number | null;
  readonly error: Failure | null;
  readonly containerId: string | null;
  /** Milliseconds spent in each state that was left, with its substates. */
  readonly timings: Readonly<Record<string, number>>;
  /** Path of the transcript. */
  readonly transcript: string | null;
  /** Whether the agent printed more than Docker keeps, so that the beginning is lost. */
  readonly transcriptTruncated: boolean;
  /** The usage that its AI CLI reports; null if it does not. */
  readonly usage: Usage | null;
  /** The last screen of an interactive AI CLI; null for others. */
  readonly screen: string | null;
  /** Hosts that its network blocked, as `host:port`. */
  readonly blockedHosts: readonly string[];
  /** Its valid output as JSON; null if there is none. */
  readonly output: string | null;
  /** Whether its work is saved. */
  readonly isSaved: boolean;
  readonly workspace: EventOf<'workspace.saved'>['workspace'];
  /** Paths of the saved artifacts. */
  readonly artifacts: readonly string[];
  /** The check of its work; null if there was none. */
  readonly check: CheckState | null;
  /** Why its conversation could not be kept, or null if it was; null before, and if no attempt may continue it. */
  readonly conversation: { readonly problem: string | null } | null;
  /** The attempt whose conversation it continues, or why it cannot; null if it has to begin a new one. */
  readonly continues: { readonly of: number; readonly problem: string | null } | null;
}

/** The check of an attempt's work, which ends a round. */
export type CheckState = Omit<
  EventOf<'check.ended'>,
  'type' | 'agent' | 'attempt' | 'v' | 'seq' | 'at' | 'checksum'
>;

/** Change one attempt, which is added if it is new. */
export function withAttempt(
  attempts: readonly AttemptState[],
  attempt: number,
  next: (entry: AttemptState) => AttemptState,
): readonly AttemptState[] {
  if (!attempts.some(entry => entry.attempt === attempt)) return [...attempts, next(emptyAttempt(attempt))];
  return attempts.map(entry => (entry.attempt === attempt ? next(entry) : entry));
}

export const emptyAttempt = (attempt: number): AttemptState => ({
  attempt,
  host: null,
  status: null,
  exitCode: null,
  error: null,
  containerId: null,
  timings: {},
  transcript: null,
  transcriptTruncated: false,
  usage: null,
  screen: null,
  blockedHosts: [],
  output: null,
  isSaved: false,
  workspace: null,
  artifacts: [],
  check: null,
  conversation: null,
  continues: null,
});
