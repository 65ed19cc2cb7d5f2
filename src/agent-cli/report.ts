/** What an AI CLI has reported of itself. `agent-report` and `agent-turn` write it, the host reads it. */
export interface AgentReport {
  /** null: the CLI does not report its usage. */
  readonly usage: Usage | null;
  /** Why the CLI failed, where another attempt would fail likewise. */
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
  /** When a plan that is used up is available again, in milliseconds since the epoch; null: not known. */
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
