import { type AgentFields, agentFields, defaultFields } from './checks.ts';
import { dependenciesIn } from './control.ts';
import { isObject } from './fields.ts';
import { type Finding, isBroken, type Path } from './findings.ts';
import type { References } from './references.ts';
import { closest } from './schema-kit.ts';

interface CloneStart {
  readonly name: string;
  readonly path: Path;
  /** The agents that must succeed before it starts. */
  readonly needs: readonly string[];
  /** All that it waits for. */
  readonly dependsOn: readonly string[];
  /** The root of the repository that it clones; null for none. */
  readonly repository: string | null;
  readonly from: string | null;
  readonly hasForEach: boolean;
}

/** Check that an agent that starts from the work of another depends on it, and that both clone the same repository. */
export function checkFrom(
  value: unknown,
  { found, files }: { found: readonly Finding[]; files: Pick<References, 'workspaces' | 'repositories'> },
): Finding[] {
  const shared = defaultFields(value);
  const starts = new Map(
    agentFields(value).map(place => [String(place.path[1]), startOf(place, shared, files)]),
  );
  const findings: Finding[] = [];
  for (const start of starts.values()) {
    if (start.from === null || isBroken(found, start.path)) continue;
    const message = startProblem(start, starts);
    if (message !== null)
      findings.push({ path: [...start.path, 'workspace', 'from'], value: start.from, message });
  }
  return findings;
}

function startOf(
  { path, fields }: AgentFields,
  shared: AgentFields,
  { workspaces, repositories }: Pick<References, 'workspaces' | 'repositories'>,
): CloneStart {
  const isOwn = 'workspace' in fields;
  const inherited = 'approve' in fields ? undefined : shared.fields.workspace;
  const workspace = isOwn ? fields.workspace : inherited;
  const { mode, path: written, from } = isObject(workspace) ? workspace : {};
  const real = mode === 'clone' && typeof written === 'string' ? workspaces.get(written) : undefined;
  const dependencies = dependenciesIn(fields.dependsOn);
  return {
    name: String(path[1]),
    path: isOwn ? path : shared.path,
    needs: dependencies.filter(({ on }) => on === 'succeeded').map(({ name }) => name),
    dependsOn: dependencies.map(({ name }) => name),
    repository: real === undefined ? null : (repositories.get(real) ?? null),
    from: mode === 'clone' && typeof from === 'string' ? from : null,
    hasForEach: 'forEach' in fields,
  };
}

function startProblem(start: CloneStart, starts: ReadonlyMap<string, CloneStart>): string | null {
  const { name, from, repository } = start;
  if (from === name) return 'an agent cannot start from its own work; name another one';
  const other = starts.get(from!);
  if (other === undefined) {
    const meant = closest(
      from!,
      [...starts.keys()].filter(known => known !== name),
    );
    return meant === undefined
      ? 'no agent has this name'
      : `no agent has this name; did you mean "${meant}"?`;
  }
  if (other.hasForEach)
    return `${from} has "forEach": each of its agents has work of its own; name another one`;
  if (!waitsFor(start, from!, { starts, by: 'dependsOn' }))
    return `it is not waited for; add "${from}" to "dependsOn" of ${name}`;
  if (!waitsFor(start, from!, { starts, by: 'needs' }))
    return `there may be no work to start from; have ${name} depend on the success of "${from}"`;
  if (other.repository === null)
    return `${from} does not work in a clone; give it "workspace": {"mode": "clone", "path": …} too`;
  if (repository !== null && other.repository !== repository)
    return `${from} works in a clone of another repository, ${other.repository}; give both the same`;
  return null;
}

function waitsFor(
  start: CloneStart,
  wanted: string,
  { starts, by }: { starts: ReadonlyMap<string, CloneStart>; by: 'needs' | 'dependsOn' },
): boolean {
  const seen = new Set<string>();
  const waiting = [...start[by]];
  for (const name of waiting) {
    if (name === wanted) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    waiting.push(...(starts.get(name)?.[by] ?? []));
  }
  return false;
}
