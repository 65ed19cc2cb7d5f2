import type { EventRule } from '../providers/report.ts';

/** Configuration of `agent-report`: the format of the JSON lines, and regular expressions for failures. */
export interface ReportPlan {
  readonly format: string;
  /** The rules of the format `jsonl`. */
  readonly events?: readonly EventRule[];
  readonly login: string;
  readonly quota: string;
  readonly usage?: false;
  readonly words?: { readonly asks: string | null; readonly waits: string | null };
  /** The model, for a CLI whose events do not name it. */
  readonly model?: string;
  readonly budget?: BudgetPlan;
  /** Usage of earlier turns of a conversation that is continued: a CLI that reports the sum of all turns includes it. */
  readonly baseline?: BaselinePlan;
}

export interface BudgetPlan {
  readonly turns?: number;
  readonly outputTokens?: number;
  /** Milliseconds. */
  readonly wall?: number;
  /** US dollars. */
  readonly usd?: number;
  /** `usd` is a part of the budget of the run. */
  readonly isShare?: true;
}

interface BaselinePlan {
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteTokens?: number;
  readonly outputTokens: number;
  /** US dollars. */
  readonly costUsd: number | null;
}
