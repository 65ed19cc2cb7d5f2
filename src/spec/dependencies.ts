import { type Finding, formatPath, type Path } from './findings.ts';
import { closest } from './schema-kit.ts';

/** The names that each agent depends on, in the order of the spec. */
export type Dependencies = ReadonlyMap<string, readonly string[]>;

/**
 * Find unknown names, agents that depend on themselves, duplicates and cycles. `pathOf` returns the path of a name in its
 * agent, by its index.
 */
export function checkDependencies(
  agents: Dependencies,
  pathOf: (agent: string, index: number) => Path = (_, index) => ['dependsOn', index],
): Finding[] {
  const findings: Finding[] = [];
  for (const [agent, names] of agents) {
    names.forEach((name, i) => {
      const message = dependencyProblem(name, { agent, agents, given: names.indexOf(name) !== i });
      if (message !== null)
        findings.push({ path: ['agents', agent, ...pathOf(agent, i)], value: name, message });
    });
  }
  return [...findings, ...findCycles(agents).map(cycleFinding)];
}

function dependencyProblem(
  name: string,
  { agent, agents, given }: { agent: string; agents: Dependencies; given: boolean },
): string | null {
  if (name === agent) return 'an agent cannot wait for itself; take it out';
  if (given) return 'given twice; keep one of them';
  if (agents.has(name)) return null;
  const meant = closest(
    name,
    [...agents.keys()].filter(other => other !== agent),
  );
  return meant === undefined
    ? 'no agent has this name; add the agent, or take it out'
    : `no agent has this name; did you mean "${meant}"?`;
}

function cycleFinding(cycle: readonly string[]): Finding {
  const first = cycle[0]!;
  const shown = [...cycle, first].map(name => formatPath([name])).join(' → ');
  return {
    path: ['agents', first, 'dependsOn'],
    message: `a cycle, in which each waits for the next: ${shown}; take one of these dependencies out`,
  };
}

/** Return disjoint cycles, each from its first agent in the spec. */
function findCycles(agents: Dependencies): string[][] {
  const waiting = removeAcyclic(agents);
  const found: string[][] = [];
  for (const start of agents.keys()) {
    if (!waiting.has(start)) continue;
    const trail = [start];
    const seen = new Map([[start, 0]]);
    for (;;) {
      const next = waiting.get(trail.at(-1)!)!.find(name => waiting.has(name));
      if (next === undefined) break;
      const since = seen.get(next);
      if (since !== undefined) {
        found.push(fromFirst(trail.slice(since), agents));
        break;
      }
      seen.set(next, trail.length);
      trail.push(next);
    }
    for (const name of trail) waiting.delete(name);
  }
  return found;
}

/** Remove agents without dependencies until none is left (Kahn's algorithm). The rest is in a cycle or depends on one. */
function removeAcyclic(agents: Dependencies): Map<string, readonly string[]> {
  const waiting = new Map(
    [...agents].map(([name, names]) => [name, names.filter(n => n !== name && agents.has(n))]),
  );
  const count = new Map([...waiting].map(([name, names]) => [name, names.length]));
  const dependants = new Map<string, string[]>([...waiting.keys()].map(name => [name, []]));
  for (const [name, names] of waiting) for (const other of names) dependants.get(other)!.push(name);
  const free = [...waiting.keys()].filter(name => count.get(name) === 0);
  for (const name of free) {
    waiting.delete(name);
    for (const dependant of dependants.get(name)!) {
      count.set(dependant, count.get(dependant)! - 1);
      if (count.get(dependant) === 0) free.push(dependant);
    }
  }
  return waiting;
}

function fromFirst(cycle: readonly string[], agents: Dependencies): string[] {
  const order = [...agents.keys()];
  const first = cycle.reduce((a, b) => (order.indexOf(a) <= order.indexOf(b) ? a : b));
  const at = cycle.indexOf(first);
  return [...cycle.slice(at), ...cycle.slice(0, at)];
}
