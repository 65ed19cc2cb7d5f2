import type { Finding } from './findings.ts';
import type { FlowPlan } from './plan.ts';

/** Find the agents that a budget of the run cannot limit, since their AI CLIs do not report their usage. */
export function checkRunBudget({ maxUsd, agents }: FlowPlan): Finding[] {
  if (maxUsd === undefined) return [];
  return agents
    .filter(({ provider, report }) => provider !== 'command' && (report === null || report.usage === false))
    .map(({ name, provider, interactive }) => ({
      path: ['agents', name],
      message: `${interactive ? 'an interactive agent' : provider} does not report its usage, so the budget of the run cannot limit it; give the other agents a "budget" each`,
    }));
}
