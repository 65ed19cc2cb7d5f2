/** Read the output of agents, and type to them. */
export interface Terminals {
  /**
   * Write the output of an attempt, without the secrets of the run; with `follow` as it arrives, until the attempt ends or
   * `signal` is aborted. Returns false if there is no output. Nothing runs between calls.
   */
  read(agent: string, attempt: number, reading: Reading): Promise<boolean>;
  /** Type bytes into the session of an agent. */
  type(agent: string, bytes: Buffer): Promise<void>;
}

export interface Reading {
  write(bytes: Buffer): Promise<void>;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}
