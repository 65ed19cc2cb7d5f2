import type { Usage as ReportedUsage } from '../agent-cli/report.ts';
import { costOfUsage } from '../agent-cli/usage-cost.ts';
import { pricesDate } from '../prices/table.ts';

/** The usage of an attempt, as it is journaled. */
export interface PricedUsage extends Omit<ReportedUsage, 'models'> {
  /** The date of the prices, `2026-11-20`; absent without a cost. */
  readonly pricesDate?: string;
  readonly unpricedModels?: string[];
}

/** Return the usage that an AI CLI has reported, with its cost by the prices of today's table. */
export function priced(reported: ReportedUsage | null): PricedUsage | null {
  if (reported === null) return null;
  const { models: _, ...usage } = reported;
  const { usd, unpriced } = costOfUsage(reported);
  return {
    ...usage,
    costUsd: usd,
    ...(usd === null ? {} : { pricesDate }),
    ...(unpriced.length === 0 ? {} : { unpricedModels: [...unpriced] }),
  };
}
