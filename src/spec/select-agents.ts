import { UsageError } from '../errors.ts';
import { escapeControl } from './escape-control.ts';
import type { AgentPlan, FlowPlan } from './plan.ts';
import { closest } from './schema-kit.ts';

type Node = Pick<AgentPlan, 'name' | 'dependsOn' | 'workspace'>;

/** Return these agents and everything that they depend on, directly or not. */
export function withDependencies(agents: readonly Node[], names: Iterable<string>): ReadonlySet<string> {
  const byName = new Map(agents.map(agent => [agent.name, agent]));
  return reachable(names, name => needsOf(byName.get(name)));
}

/** Return these agents and everything that depends on them, directly or not. */
export function withDependants(agents: readonly Node[], names: Iterable<string>): ReadonlySet<string> {
  const dependants = new Map<string, string[]>();
  for (const agent of agents)
    for (const on of needsOf(agent)) {
      const known = dependants.get(on);
      if (known === undefined) dependants.set(on, [agent.name]);
      else known.push(agent.name);
    }
  return reachable(names, name => dependants.get(name) ?? []);
}

/**
 * Reduce a plan to these agents and everything that they depend on. The name of a matrix stands for all of its agents.
 * Throws a `UsageError` for a name that the plan does not have.
 */
export function selectAgents(
  plan: FlowPlan,
  names: readonly string[],
  groups: ReadonlyMap<string, readonly string[]>,
): FlowPlan {
  const known = [...plan.agents.map(({ name }) => name), ...groups.keys()];
  checkNames('--only', names, known);
  const chosen = names.flatMap(name => groups.get(name) ?? [name]);
  const needed = withDependencies(plan.agents, chosen);
  return { ...plan, agents: plan.agents.filter(({ name }) => needed.has(name)) };
}

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

function needsOf(agent: Node | undefined): readonly string[] {
  if (agent === undefined) return [];
  const { dependsOn, workspace } = agent;
  return workspace.mode === 'clone' && workspace.from !== null ? [...dependsOn, workspace.from] : dependsOn;
}

function reachable(from: Iterable<string>, next: (name: string) => readonly string[]): ReadonlySet<string> {
  const found = new Set(from);
  // A set that grows while it is iterated over includes what is added.
  for (const name of found) for (const other of next(name)) found.add(other);
  return found;
}
