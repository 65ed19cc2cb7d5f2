import type { ApprovalPlan, AskedApproval } from './approval-plan.ts';
import type { AskedForEach, ForEachPlan } from './for-each-plan.ts';
import type { AgentPlan, FlowPlan } from './plan.ts';

/** An agent of a flow: with a container, an approval, or one that becomes others. */
export type MemberPlan = AgentPlan | ApprovalPlan | ForEachPlan;

export const isApproval = (member: MemberPlan): member is ApprovalPlan => 'onTimeout' in member;

export const isForEach = (member: MemberPlan): member is ForEachPlan => 'items' in member;

export const hasContainer = (member: MemberPlan): member is AgentPlan =>
  !isApproval(member) && !isForEach(member);

/** Return all agents of a flow, in the order of the spec. The agents for items follow the one that becomes them. */
export function membersOf({
  agents,
  approvals = [],
  forEach = [],
}: Pick<FlowPlan, 'agents' | 'approvals' | 'forEach'>): readonly MemberPlan[] {
  const members: MemberPlan[] = [...agents];
  for (const member of [...approvals, ...forEach].toSorted((a, b) => a.index - b.index))
    members.splice(member.index, 0, member);
  return members;
}

/** Return the lists of members that are in the order of the spec, as a plan has them. */
export function groupMembers(
  members: readonly MemberPlan[],
): Pick<FlowPlan, 'agents' | 'approvals' | 'forEach'> {
  const agents = members.filter(hasContainer);
  const approvals = members.flatMap((member, index) => (isApproval(member) ? [{ ...member, index }] : []));
  const forEach = members.flatMap((member, index) => (isForEach(member) ? [{ ...member, index }] : []));
  return {
    agents,
    ...(approvals.length === 0 ? {} : { approvals }),
    ...(forEach.length === 0 ? {} : { forEach }),
  };
}

/** Return the item of a member; undefined if it is for none. */
export const itemOf = (member: MemberPlan): AgentPlan['item'] =>
  hasContainer(member) ? member.item : undefined;

/** Return the names of the agents for items, by the agent that becomes them. */
export function itemNames(members: readonly MemberPlan[]): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>(members.filter(isForEach).map(({ name }) => [name, []]));
  for (const member of members) {
    const item = itemOf(member);
    if (item !== undefined) names.get(item.of)?.push(member.name);
  }
  return names;
}

/** Return the references of a member to values of others. */
export const inputsOf = (member: MemberPlan): readonly string[] =>
  hasContainer(member) ? (member.inputs ?? []) : [];

/** Return the field `approve` of a member in an event; none for an agent with a container. */
export const approveOf = (member: MemberPlan): { approve?: AskedApproval } => {
  if (!isApproval(member)) return {};
  const { prompt, timeout, onTimeout } = member;
  return { approve: { prompt, timeout, onTimeout } };
};

/** Return the field `forEach` of a member in an event; none for any other. */
export const forEachOf = (member: MemberPlan): { forEach?: AskedForEach } =>
  isForEach(member) ? { forEach: { items: member.items, max: member.max } } : {};
