import type { ModelTokens } from '../prices/cost.ts';

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
  /** Those written to a cache, which are a part of `inputTokens`; absent if the CLI does not report them. */
  readonly cacheWriteTokens?: number;
  /** US dollars, as the CLI reports them; null if it does not. */
  readonly costUsd: number | null;
  /** The tokens of each model, by its name; absent if no name is known. */
  readonly models?: Readonly<Record<string, ModelTokens>>;
}

/** Return what was added to a sum since its value in a baseline. */
export const since = (before: number | null | undefined, sum: number): number =>
  Math.max(0, sum - (before ?? 0));

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
