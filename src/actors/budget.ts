import type { StepInput } from '../../machines/agent-types.ts';
import type { AgentPlan, BudgetPlan } from '../spec/plan.ts';
import type { ActorContext } from './context.ts';

type BudgetPorts = Pick<ActorContext, 'plan' | 'shareOfBudget'>;

/** Return the parser's configuration for an attempt: with its part of the budget of the run, if its own is not smaller. */
export async function reportOf(
  context: BudgetPorts,
  attempt: Pick<StepInput, 'name' | 'attempt'>,
): Promise<AgentPlan['report']> {
  const { report } = context.plan(attempt.name);
  const usd = await context.shareOfBudget(attempt);
  const own = report?.budget?.usd ?? Number.POSITIVE_INFINITY;
  if (report === null || usd === null || own <= usd) return report;
  return { ...report, budget: { ...report.budget, usd, isShare: true } };
}

/** Return the limits of an attempt that can be checked by counting its tokens; null if it has none. */
export function tokenLimits(report: AgentPlan['report']): BudgetPlan | null {
  const { outputTokens, usd, isShare } = report?.budget ?? {};
  if (outputTokens === undefined && usd === undefined) return null;
  return {
    ...(outputTokens === undefined ? {} : { outputTokens }),
    ...(usd === undefined ? {} : { usd }),
    ...(isShare ? { isShare } : {}),
  };
}
