/** What agents print, and where they are typed to. */
export interface Terminals {
  /**
   * Tells the bytes that an attempt has printed, without the run's secrets; with `follow` as they come, until the attempt
   * is over or `signal` fires. False where nothing is there to be read. While nobody reads, nothing is run for it.
   */
  read(agent: string, attempt: number, reading: Reading): Promise<boolean>;
  /** Types these bytes into the agent's session. */
  type(agent: string, bytes: Buffer): Promise<void>;
}

export interface Reading {
  write(bytes: Buffer): Promise<void>;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}
