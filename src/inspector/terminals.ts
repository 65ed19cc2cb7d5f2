import type { Output } from './page-data.ts';

/** Read the output of agents, and type to them. */
export interface Terminals {
  /**
   * Write an output, without the secrets of the run; with `follow` that of an attempt as it arrives, until the attempt ends
   * or `signal` is aborted. Returns false if there is no output. Nothing runs between calls.
   */
  read(agent: string, output: Output, reading: Reading): Promise<boolean>;
  /** Type bytes into the session of an agent. */
  type(agent: string, bytes: Buffer): Promise<void>;
}

export interface Reading {
  write(bytes: Buffer): Promise<void>;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}
