/** The outcome of a check of a provider. */
export interface CheckReport {
  readonly provider: string;
  /** For people: `Claude Code`. */
  readonly title: string;
  /** The release that was installed; null if its installer chooses one. */
  readonly version: string | null;
  readonly rows: readonly CheckRow[];
}

export type CheckName = 'install' | 'launch' | 'tool call' | 'key' | 'resume' | 'schema';

export interface CheckRow {
  readonly check: CheckName;
  /** `not checked`: an earlier check has failed, or the CLI cannot use the stub. */
  readonly status: 'ok' | 'failed' | 'not supported' | 'not checked';
  /** For people; the reason of a failure. */
  readonly details: string;
  /** Path of the output of the agent, for a failure; null if there is none. */
  readonly transcript: string | null;
}

/** Return a row of this status without a transcript. */
export const row = (check: CheckName, status: CheckRow['status'], details: string): CheckRow => ({
  check,
  status,
  details,
  transcript: null,
});

export const hasFailed = ({ rows }: CheckReport): boolean => rows.some(({ status }) => status === 'failed');
