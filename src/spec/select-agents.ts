import { UsageError } from '../errors.ts';
import { escapeControl } from './escape-control.ts';
import { groupMembers, hasContainer, itemNames, itemOf, type MemberPlan, membersOf } from './members.ts';
import type { FlowPlan } from './plan.ts';
import { closest } from './schema-kit.ts';

/** Return these agents and everything that they depend on, directly or not: approvals too. */
export function withDependencies(
  agents: readonly MemberPlan[],
  names: Iterable<string>,
): ReadonlySet<string> {
  const byName = new Map(agents.map(agent => [agent.name, agent]));
  const items = itemNames(agents);
  return reachable(names, name => needsOf(byName.get(name), items));
}

/** Return these agents and everything that depends on them, directly or not: approvals too. */
export function withDependants(agents: readonly MemberPlan[], names: Iterable<string>): ReadonlySet<string> {
  const dependants = new Map<string, string[]>();
  const items = itemNames(agents);
  for (const agent of agents)
    for (const on of needsOf(agent, items)) {
      const known = dependants.get(on);
      if (known === undefined) dependants.set(on, [agent.name]);
      else known.push(agent.name);
    }
  return reachable(names, name => dependants.get(name) ?? []);
}

/**
 * Reduce a plan to these agents and everything that they depend on, approvals included. The name of a matrix stands for all of
 * its agents, and that of an agent with `forEach` for those that it becomes, which have no names yet. Throws a `UsageError` for a name that the plan does not have, and for approvals alone.
 */
export function selectAgents(
  plan: FlowPlan,
  names: readonly string[],
  groups: ReadonlyMap<string, readonly string[]>,
): FlowPlan {
  const members = membersOf(plan);
  checkNames('--only', names, [...namedBefore(members), ...groups.keys()]);
  const chosen = names.flatMap(name => groups.get(name) ?? [name]);
  const needed = withDependencies(members, chosen);
  const kept = members.filter(({ name }) => needed.has(name));
  const grouped = groupMembers(kept);
  if (grouped.agents.length === 0) throw new UsageError('--only needs at least one agent beside approvals');
  const { approvals: _, forEach: __, ...others } = plan;
  return { ...others, ...grouped };
}

/** Return the names that agents have before a run: without those for items. */
const namedBefore = (members: readonly MemberPlan[]) =>
  members.filter(member => itemOf(member) === undefined).map(({ name }) => name);

/** Return the names of a list with commas. Throws a `UsageError` if there are none. */
export function namesIn(option: string, list: string): readonly string[] {
  const names = list
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '');
  if (names.length === 0) throw new UsageError(`${option} needs the names of agents: ${option} a,b`);
  return [...new Set(names)];
}

/** Throw a `UsageError` that lists the names that no agent has. */
export function checkNames(option: string, names: readonly string[], known: readonly string[]): void {
  const unknown = names.filter(name => !known.includes(name));
  const problems = unknown.map(name => {
    const meant = closest(name, known);
    const hint =
      meant === undefined ? `. Found: ${known.slice(0, 10).join(', ')}` : `; did you mean ${meant}?`;
    return `${option}: no agent is named "${escapeControl(name)}"${hint}`;
  });
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
}

/** An agent that becomes others needs their success. */
function needsOf(agent: MemberPlan | undefined, items: ReturnType<typeof itemNames>): readonly string[] {
  if (agent === undefined) return [];
  if (!hasContainer(agent)) return [...agent.dependsOn, ...(items.get(agent.name) ?? [])];
  if (agent.workspace.mode !== 'clone') return agent.dependsOn;
  const { from } = agent.workspace;
  return from === null ? agent.dependsOn : [...agent.dependsOn, from];
}

function reachable(from: Iterable<string>, next: (name: string) => readonly string[]): ReadonlySet<string> {
  const found = new Set(from);
  // A set that grows while it is iterated over includes what is added.
  for (const name of found) for (const other of next(name)) found.add(other);
  return found;
}
