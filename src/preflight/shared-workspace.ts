import type { FlowPlan } from '../spec/plan.ts';
import { writablePlaces } from './writable-mounts.ts';

/**
 * Return a function that checks whether a concurrent agent can write to the workspace of an agent. Agents of which one
 * depends on the other, directly or through others, never run concurrently.
 */
export function sharedWorkspaces(plan: FlowPlan): (agent: string) => boolean {
  const writers = Map.groupBy(writablePlaces(plan), ({ path }) => path);
  const workspaces = new Map(plan.agents.map(({ name, workspace }) => [name, workspace]));
  const before = new Map(plan.agents.map(({ name, dependsOn }) => [name, dependsOn]));
  const after = reversed(before);
  return agent => {
    const workspace = workspaces.get(agent);
    const others = workspace?.mode === 'bind' ? (writers.get(workspace.path) ?? []) : [];
    if (others.every(other => other.agent === agent)) return false;
    const ordered = new Set([agent, ...reachable(before, agent), ...reachable(after, agent)]);
    return others.some(other => !ordered.has(other.agent));
  };
}

type Edges = ReadonlyMap<string, readonly string[]>;

function reversed(edges: Edges): Edges {
  const pairs = [...edges].flatMap(([from, to]) => to.map(name => ({ name, from })));
  const groups = Map.groupBy(pairs, ({ name }) => name);
  return new Map([...groups].map(([name, group]) => [name, group.map(({ from }) => from)]));
}

function reachable(edges: Edges, start: string): Set<string> {
  const found = new Set<string>();
  const pending = [start];
  for (let name = pending.pop(); name !== undefined; name = pending.pop())
    for (const next of edges.get(name) ?? [])
      if (!found.has(next)) {
        found.add(next);
        pending.push(next);
      }
  return found;
}
