import type { Finding } from './findings.ts';
import type { AgentPlan, FlowPlan } from './plan.ts';
import type { Spec } from './schema.ts';

/**
 * Find budgets of agents that cannot be enforced: the AI CLI does not report its usage, and the broker of the run does not
 * count it. The broker counts tokens, not turns. A budget under `defaults` does not apply to such agents.
 */
export function findUncounted(spec: Spec, { agents }: FlowPlan): Finding[] {
  return agents.filter(isSilent).flatMap(agent => {
    const { turns, outputTokens, usd } = spec.agents[agent.name]?.budget ?? {};
    const path = ['agents', agent.name, 'budget'];
    if (turns !== undefined)
      return [{ path: [...path, 'turns'], message: `${agent.provider} does not report its turns` }];
    const why = outputTokens === undefined && usd === undefined ? null : whyUncounted(agent);
    return why === null ? [] : [{ path, message: why }];
  });
}

/** Find the agents that a budget of the run cannot limit. */
export function checkRunBudget({ maxUsd, agents }: FlowPlan): Finding[] {
  if (maxUsd === undefined) return [];
  const advice = 'so the budget of the run cannot limit it; give the other agents a "budget" each';
  return agents.filter(isSilent).flatMap(agent => {
    const why = whyUncounted(agent);
    return why === null ? [] : [{ path: ['agents', agent.name], message: `${why}, ${advice}` }];
  });
}

const isSilent = ({ provider, report }: AgentPlan) =>
  provider !== 'command' && (report === null || report.usage === false);

/** Return why the tokens of an AI CLI that does not report them are not counted; null if the broker counts them. */
function whyUncounted({ provider, interactive, auth: { login } }: AgentPlan): string | null {
  if (interactive) return 'an interactive agent does not report its usage';
  if (login?.mode === 'brokered') return null;
  const why = login?.mode === 'direct' && login.reason !== null ? ` (${login.reason})` : '';
  return `${provider} does not report its usage, and no broker counts it${why}`;
}
