import { formatUsd } from '../prices/cost.ts';
import type { BudgetPlan } from '../spec/plan.ts';
import type { Usage } from './report.ts';
import { costOfUsage } from './usage-cost.ts';

/** Return the limit that a usage has exceeded, for people; null if there is none. */
export function exceededLimit(budget: BudgetPlan | undefined, usage: Usage): string | null {
  if (budget === undefined) return null;
  const { turns, outputTokens } = usage;
  if (budget.turns && (turns ?? 0) > budget.turns) return `more than ${budget.turns} turns`;
  if (budget.outputTokens && outputTokens > budget.outputTokens)
    return `more than ${budget.outputTokens} tokens of output`;
  return budget.usd === undefined ? null : exceededCost({ ...budget, usd: budget.usd }, usage);
}

/** A cost that is not known could be any: the limit holds only if the agent ends. */
function exceededCost(
  { usd: limit, isShare }: BudgetPlan & { readonly usd: number },
  usage: Usage,
): string | null {
  const { usd, unpriced } = costOfUsage(usage);
  const amount = isShare ? `its share of the budget of the run (${formatUsd(limit)})` : formatUsd(limit);
  if (unpriced.length > 0)
    return `no price is known for ${unpriced.join(', ')}, so its cost cannot be limited to ${amount}`;
  return usd !== null && usd >= limit ? `${formatUsd(usd)} of ${amount} is spent` : null;
}
