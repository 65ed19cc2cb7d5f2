import type { ReusedWork } from '../spec/event-values.ts';
import { itemNames, itemOf, membersOf } from '../spec/members.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { withDependants } from '../spec/select-agents.ts';
import { type AgentState, type FlowState, ofAgent } from '../state/flow-state.ts';
import { blockedHosts } from '../state/result.ts';
import { usageOf } from '../state/usage.ts';
import type { Rerun } from '../store/run-file.ts';

/**
 * Return the agents that a rerun decides anew: `from`, those that did not succeed, and everything that depends on one of
 * them. An agent that its spec skipped is among them only if it depends on another one. Approvals are agents here: one that
 * was approved has succeeded.
 */
export function agentsToRerun(
  plan: FlowPlan,
  state: FlowState,
  from: readonly string[],
): ReadonlySet<string> {
  const members = membersOf(plan);
  // An agent for an item that the list does not have follows the agent that becomes others.
  const open = members
    .filter(member => itemOf(member) === undefined || ofAgent(state, member.name) !== undefined)
    .map(({ name }) => name)
    .filter(name => !isSettled(ofAgent(state, name)));
  const items = itemNames(members);
  return withDependants(members, [...open, ...from.flatMap(name => [name, ...(items.get(name) ?? [])])]);
}

/** Return what a rerun takes over: the agents that succeeded, apart from those that run again. */
export function rerunOf(plan: FlowPlan, state: FlowState, again: ReadonlySet<string>): Rerun {
  const reused = membersOf(plan).flatMap(({ name }) => {
    const agent = ofAgent(state, name);
    return agent?.status === 'succeeded' && !again.has(name) ? [[name, workOf(state, agent)] as const] : [];
  });
  return { of: state.runId, reused: Object.fromEntries(reused) };
}

/** Return whether a rerun with the same dependencies needs nothing else of this agent. */
function isSettled(agent: AgentState | undefined): boolean {
  if (agent?.status === 'succeeded') return true;
  return agent?.status === 'skipped' && ['when', 'dependency'].includes(agent.error?.kind ?? '');
}

function workOf(state: FlowState, agent: AgentState): ReusedWork {
  const last = agent.attempts.at(-1);
  const usage = usageOf(agent);
  const blocked = blockedHosts(agent);
  return {
    run: agent.reused ?? state.runId,
    attempt: last?.attempt ?? agent.attempt,
    exitCode: agent.exitCode,
    image: agent.image,
    transcript: last?.transcript ?? null,
    ...(last?.transcriptTruncated ? { transcriptTruncated: true } : {}),
    ...(usage === null ? {} : { usage }),
    ...(last?.screen ? { screen: last.screen } : {}),
    ...(blocked.length === 0 ? {} : { blockedHosts: blocked }),
    workspace: last?.workspace ?? null,
    artifacts: [...(last?.artifacts ?? [])],
    ...(last?.check ? { check: last.check } : {}),
    ...(last?.output ? { output: last.output } : {}),
    ...itemsOf(state, agent),
    ...(agent.approval?.decided ? { decision: agent.approval.decided } : {}),
  };
}

const itemsOf = ({ agents }: FlowState, { forEach }: AgentState): Pick<ReusedWork, 'items'> =>
  forEach?.names ? { items: forEach.names.map(name => agents[name]!.item!.json) } : {};

/** Return the plan of the agents that a run starts, without those whose work a rerun takes over. */
export const withoutReused = (plan: FlowPlan, rerun: Rerun | undefined): FlowPlan =>
  rerun === undefined
    ? plan
    : { ...plan, agents: plan.agents.filter(({ name }) => !Object.hasOwn(rerun.reused, name)) };
