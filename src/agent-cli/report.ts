/** The report of an AI CLI. `agent-report` and `agent-turn` write it, the host reads it. */
export interface AgentReport {
  /** null: the CLI does not report its usage. */
  readonly usage: Usage | null;
  /** Why the CLI failed, if another attempt would fail as well. */
  readonly failure: ReportedFailure | null;
}

export interface Usage {
  readonly turns: number | null;
  /** Cached tokens included. */
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number | null;
}

export interface ReportedFailure {
  readonly kind: FailureKind;
  readonly message: string;
  /** When an exhausted quota is reset, in milliseconds since the epoch; null if unknown. */
  readonly resetsAt: number | null;
}

export const failureKinds = ['authentication', 'quota', 'budget', 'needsInput'] as const;
export type FailureKind = (typeof failureKinds)[number];

export const noUsage: Usage = {
  turns: null,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  costUsd: null,
};
