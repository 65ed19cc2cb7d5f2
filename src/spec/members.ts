import type { ApprovalPlan, AskedApproval } from './approval-plan.ts';
import type { AgentPlan, FlowPlan } from './plan.ts';

/** An agent of a flow, with a container or as an approval. */
export type MemberPlan = AgentPlan | ApprovalPlan;

export const isApproval = (member: MemberPlan): member is ApprovalPlan => 'onTimeout' in member;

/** Return the agents and the approvals of a flow, in the order of the spec. */
export function membersOf({
  agents,
  approvals = [],
}: Pick<FlowPlan, 'agents' | 'approvals'>): readonly MemberPlan[] {
  const members: MemberPlan[] = [...agents];
  for (const approval of approvals.toSorted((a, b) => a.index - b.index))
    members.splice(approval.index, 0, approval);
  return members;
}

/** Return the references of a member to values of others. */
export const inputsOf = (member: MemberPlan): readonly string[] =>
  isApproval(member) ? [] : (member.inputs ?? []);

/** Return the field `approve` of a member in an event; none for an agent with a container. */
export const approveOf = (member: MemberPlan): { approve?: AskedApproval } => {
  if (!isApproval(member)) return {};
  const { prompt, timeout, onTimeout } = member;
  return { approve: { prompt, timeout, onTimeout } };
};
