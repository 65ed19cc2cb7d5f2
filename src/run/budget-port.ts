import { StepError } from '../../machines/step-error.ts';
import type { BudgetPort, JournalPort } from '../actors/context.ts';
import { formatUsd } from '../prices/cost.ts';
import type { AgentPlan, FlowPlan } from '../spec/plan.ts';
import { type Spending, trackSpending } from '../state/spending.ts';

/** Follow the spending of a run by its plan. */
export function spendingOf({ maxUsd, agents }: Pick<FlowPlan, 'maxUsd' | 'agents'>): Spending {
  const limits = new Map(
    agents.flatMap(({ name, report }) => (report === null ? [] : [[name, report.budget?.usd]])),
  );
  return trackSpending({
    maxUsd: maxUsd ?? null,
    agents: [...limits.keys()],
    limitOf: name => limits.get(name),
  });
}

/** Let the attempts of AI CLIs share the budget of the run. */
export function budgetPort({
  maxUsd,
  spending,
  plan,
  emit,
}: {
  readonly maxUsd: number | undefined;
  readonly spending: Spending;
  readonly plan: (agent: string) => Pick<AgentPlan, 'report'>;
  readonly emit: JournalPort['emit'];
}): BudgetPort {
  const isLimited = (agent: string) => maxUsd !== undefined && plan(agent).report !== null;
  const check: BudgetPort['checkBudget'] = ({ name, attempt }) => {
    if (isLimited(name) && !spending.hasShare(name, attempt) && spending.isUsedUp())
      throw new StepError('budget', usedUp(maxUsd!, spending));
  };
  return {
    checkBudget: check,
    async shareOfBudget({ name, attempt }) {
      if (!isLimited(name)) return null;
      check({ name, attempt });
      const usd = spending.shareOf(name, attempt);
      if (!spending.hasShare(name, attempt))
        // Applied at once: two attempts never get the same part.
        await emit({ type: 'attempt.budget', agent: name, attempt, usd });
      return usd;
    },
  };
}

const usedUp = (maxUsd: number, spending: Spending) =>
  `the budget of the run, ${formatUsd(maxUsd)}, has nothing left for it: ${formatUsd(spending.spentUsd())} is spent, ${formatUsd(spending.sharedUsd())} is for running agents`;
