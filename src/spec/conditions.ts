import { agentFields } from './checks.ts';
import type { ConditionReferences } from './control.ts';
import type { Finding } from './findings.ts';
import { closest } from './schema-kit.ts';

/**
 * Check the conditions of agents, and return the agents that each one names. `groups` has the agents of each matrix by the
 * name that they come from.
 */
export async function checkConditions(
  value: unknown,
  groups: ReadonlyMap<string, readonly string[]>,
): Promise<{ readonly references: ConditionReferences; readonly findings: readonly Finding[] }> {
  const references = new Map<string, string[]>();
  const findings: Finding[] = [];
  const agents = agentFields(value);
  const fieldsOf = new Map(agents.map(({ path, fields }) => [String(path[1]), fields]));
  const names = [...fieldsOf.keys()];
  for (const { path, fields } of agents) {
    const { when } = fields;
    if (typeof when !== 'string' || when === '') continue;
    // Most specs have no condition.
    const { checkCondition } = await import('./condition.ts');
    const { agents: named, outputs, problem } = checkCondition(when);
    const report = (message: string) => findings.push({ path: [...path, 'when'], value: when, message });
    if (problem !== null) report(problem);
    const own = String(path[1]);
    const known = new Set(names);
    for (const [name, position] of named)
      if (name === own || !known.has(name))
        report(`at character ${position + 1}: ${nameProblem(name, { own, names, groups })}`);
    for (const name of outputs) {
      const other = fieldsOf.get(name);
      if (name === own || other === undefined) continue;
      if (other.approve !== undefined) report(`"${name}" is an approval, which has no output`);
      else if (other.output === undefined) report(`"${name}" has no "output"; give it one with a schema`);
    }
    references.set(
      own,
      [...named.keys()].filter(name => name !== own && known.has(name)),
    );
  }
  return { references, findings };
}

function nameProblem(
  name: string,
  {
    own,
    names,
    groups,
  }: { own: string; names: readonly string[]; groups: ReadonlyMap<string, readonly string[]> },
): string {
  if (name === own) return 'an agent cannot wait for itself; name another one';
  const group = groups.get(name);
  if (group !== undefined)
    return `"${name}" has a matrix; name one of its agents, such as agents["${group[0]}"]`;
  const meant = closest(
    name,
    names.filter(other => other !== own),
  );
  return `no agent is named "${name}"${meant === undefined ? '' : `; did you mean agents["${meant}"]?`}`;
}
