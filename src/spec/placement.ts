import { UsageError } from '../errors.ts';
import type { AgentPlan, FlowPlan } from './plan.ts';

/** The label of a node of a Docker Swarm with the name of the docker context that reaches its engine. */
export const contextLabel = 'agent-flow.context';

/** The label of a node whose firewall drops VXLAN datagrams of containers, with the value `filtered`. */
export const vxlanLabel = 'agent-flow.vxlan';

/**
 * Return the plan with its placements in the form that its target has: in a Docker Swarm, a host becomes a constraint on the
 * node. Throws a `UsageError` for what only a Swarm has, on an engine without one.
 */
export function placedPlan(plan: FlowPlan): FlowPlan {
  if (plan.target?.isSwarm) return { ...plan, agents: plan.agents.map(onNode) };
  const problems = plan.agents.flatMap(({ name, placement: { constraints, genericResources } = {} }) =>
    Object.entries({ constraints, genericResources })
      .filter(([, value]) => value !== undefined)
      .map(
        ([field]) => `agents.${name}.placement.${field}: needs a Docker Swarm: "target": {"swarm": "NAME"}`,
      ),
  );
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return plan;
}

function onNode(agent: AgentPlan): AgentPlan {
  if (agent.placement?.host === undefined) return agent;
  const { host, constraints = [], ...placement } = agent.placement;
  const ofHost = `node.labels.${contextLabel}==${host}`;
  return { ...agent, placement: { ...placement, constraints: [ofHost, ...constraints] } };
}
