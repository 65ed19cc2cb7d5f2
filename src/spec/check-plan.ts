/** The check of an agent's work after each attempt that succeeds. */
export interface CheckPlan {
  /** The program and its arguments, without a shell. */
  readonly command: readonly string[];
  /** Maximum number of rounds, the first included. With 1 the check only judges. */
  readonly rounds: number;
  /** Globs of files that the check gets as they were at the start of the agent. */
  readonly protect: readonly string[];
  /** Milliseconds. */
  readonly timeout: number;
  /** A bridge network; null for none. */
  readonly network: string | null;
}
