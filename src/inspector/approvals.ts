/** A decision on an approval, as a page sends it. */
export interface PageDecision {
  readonly agent: string;
  readonly decision: 'approved' | 'rejected';
  /** Text of the user; null for none. */
  readonly reason: string | null;
}

/** Decide on the approvals of a run. */
export interface Approvals {
  /**
   * Request a decision as `agent-flow approve` and `reject` do, and wait until the run has recorded one. Throws a
   * `UsageError` if the approval waits for none.
   */
  decide(given: PageDecision): Promise<{
    /** The decision that counts; null if there is none yet. */
    readonly decision: PageDecision['decision'] | null;
    /** Whether another decision counts, or none. */
    readonly isOverruled: boolean;
    /** The result in one line for the user. */
    readonly message: string;
  }>;
}
