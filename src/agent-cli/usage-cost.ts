import { type Cost, costOf } from '../prices/cost.ts';
import type { Usage } from './report.ts';

/** Return the cost of a usage. Tokens of a model that was never named have no price. */
export function costOfUsage(usage: Usage): Cost {
  const isNamed = usage.models !== undefined || usage.costUsd !== null;
  const hasTokens = usage.inputTokens + usage.outputTokens > 0;
  return isNamed || !hasTokens ? costOf(usage) : { usd: null, unpriced: [unnamedModel] };
}

/** Stands for the name of a model that no event has named. */
const unnamedModel = 'a model without a name';
