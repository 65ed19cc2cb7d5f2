import { agentFields } from './checks.ts';
import { type MatrixValues, matrix as matrixField } from './control-fields.ts';
import { isObject } from './fields.ts';
import { type Finding, formatPath, type Path } from './findings.ts';
import { type Environment, interpolate } from './interpolate.ts';
import { at } from './issues.ts';
import { agentName, maxAgentNameLength } from './names.ts';

/** The agents of a spec, with those that have a matrix replaced by one for each combination of its values. */
export interface Expansion {
  readonly value: unknown;
  /** The names of all agents, in the order of the spec. */
  readonly order: readonly string[];
  /** The agents of each matrix by the name that they come from. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** The values of each agent that comes from a matrix. */
  readonly matrices: ReadonlyMap<string, MatrixValues>;
  readonly findings: readonly Finding[];
}

/** Replace every agent that has a valid matrix. The others keep theirs, for which `validate` has the findings. */
export function expandMatrices(value: unknown, order: readonly string[], env: Environment): Expansion {
  const groups = new Map<string, string[]>();
  const matrices = new Map<string, MatrixValues>();
  const findings: Finding[] = [];
  const expanded = new Map<string, unknown>();
  const places = new Map(agentFields(value).map(place => [String(place.path[1]), place] as const));
  for (const name of order) {
    const place = places.get(name);
    const values = place && readMatrix(name, place.fields.matrix, env);
    if (!values) continue;
    const { names, problem } = nameCombinations(name, values, order);
    if (problem !== null) {
      findings.push({ path: [...place.path, 'matrix'], message: problem });
      continue;
    }
    groups.set(name, names);
    for (const [index, own] of values.entries()) {
      matrices.set(names[index]!, own);
      expanded.set(names[index]!, agentOf(place.fields, own));
    }
  }
  const taken = findings.length === 0 ? sharedNames(groups) : [];
  if (groups.size === 0 || taken.length > 0)
    return { value, order, groups: new Map(), matrices: new Map(), findings: [...findings, ...taken] };
  const names = order.flatMap(name => groups.get(name) ?? [name]);
  const agents: Record<string, unknown> = Object.create(null);
  for (const name of names)
    agents[name] = expanded.has(name) ? expanded.get(name) : at(value, ['agents', name]);
  return { value: { ...(value as object), agents }, order: names, groups, matrices, findings };
}

/** Return the combinations of a valid matrix; null if there is none. */
function readMatrix(name: string, written: unknown, env: Environment): MatrixValues[] | null {
  if (written === undefined) return null;
  const filled = interpolate({ agents: { [name]: { matrix: written } } }, env);
  const result = matrixField.safeParse(at(filled.value, ['agents', name, 'matrix']));
  return filled.findings.length === 0 && result.success ? combinationsOf(result.data) : null;
}

const combinationsOf = (matrix: Readonly<Record<string, readonly MatrixValues[string][]>>) =>
  Object.entries(matrix).reduce<MatrixValues[]>(
    (before, [key, values]) => before.flatMap(others => values.map(value => ({ ...others, [key]: value }))),
    [{}],
  );

/**
 * Name the agents of a matrix: NAME, then the values in lower case with a `-` for everything but letters and digits. If a
 * name would be too long, or a value has no letter or digit, they are numbered instead.
 */
function nameCombinations(
  name: string,
  combinations: readonly MatrixValues[],
  others: readonly string[],
): { readonly names: string[]; readonly problem: string | null } {
  const parts = combinations.map(values => Object.values(values).map(slug));
  const byValue = parts.map(slugs => [name, ...slugs].join('-'));
  const fits = byValue.every((full, index) => agentName.test(full) && !parts[index]!.includes(''));
  const names = fits ? byValue : combinations.map((_, index) => `${name}-${index + 1}`);
  const invalid = names.find(full => !agentName.test(full));
  const double = names.find((full, index) => names.indexOf(full) !== index);
  const taken = names.find(full => others.includes(full));
  const problem =
    double !== undefined
      ? `two of its agents would be named "${double}", since names have letters, digits and "-" only; make the values differ in more`
      : taken !== undefined
        ? `one of its agents would be named "${taken}", as another agent is; rename that one`
        : invalid !== undefined && agentName.test(name)
          ? `its agents would have names such as "${invalid}", of more than ${maxAgentNameLength} characters; shorten "${name}"`
          : null;
  return { names, problem };
}

const slug = (value: string | number | boolean) =>
  String(value)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');

/** Two matrices can lead to the same name. */
function sharedNames(groups: ReadonlyMap<string, readonly string[]>): Finding[] {
  const owners = new Map<string, string>();
  for (const [base, names] of groups)
    for (const name of names) {
      const other = owners.get(name);
      if (other !== undefined)
        return [
          {
            path: ['agents', base, 'matrix'],
            message: `one of its agents would be named "${name}", as one of ${other} is; rename one of the two`,
          },
        ];
      owners.set(name, base);
    }
  return [];
}

/** Return the fields of one agent of a matrix. Labels that the spec gives it take precedence. */
function agentOf({ matrix: _, ...fields }: Readonly<Record<string, unknown>>, values: MatrixValues): unknown {
  const own = Object.entries(values).map(([key, value]) => [`matrix.${key}`, String(value)] as const);
  const { labels = {} } = fields;
  // An approval has no container.
  if ('approve' in fields) return fields;
  return isObject(labels) ? { ...fields, labels: { ...Object.fromEntries(own), ...labels } } : fields;
}

/** Have every dependant of an agent with a matrix wait for all agents that it became. */
export function expandDependencies(
  value: unknown,
  groups: Expansion['groups'],
): { readonly value: unknown; readonly written: WrittenIndices } {
  const written = new Map<string, number[]>();
  if (groups.size === 0) return { value, written };
  const agents: Record<string, unknown> = Object.assign(Object.create(null), at(value, ['agents']));
  for (const { path, fields } of agentFields(value)) {
    const { dependsOn } = fields;
    if (!Array.isArray(dependsOn)) continue;
    const entries = dependsOn.flatMap((entry: unknown, index) =>
      expandDependency(entry, groups).map(one => ({ one, index })),
    );
    const name = String(path[1]);
    written.set(
      name,
      entries.map(({ index }) => index),
    );
    agents[name] = { ...fields, dependsOn: entries.map(({ one }) => one) };
  }
  return { value: { ...(value as object), agents }, written };
}

/** The index in the spec of each entry of `dependsOn`, by agent. */
type WrittenIndices = ReadonlyMap<string, readonly number[]>;

function expandDependency(entry: unknown, groups: Expansion['groups']): unknown[] {
  if (typeof entry === 'string') return [...(groups.get(entry) ?? [entry])];
  if (!isObject(entry) || typeof entry.agent !== 'string') return [entry];
  return groups.get(entry.agent)?.map(agent => ({ ...entry, agent })) ?? [entry];
}

/** Return findings with the paths of the spec as it is written. Agents of one matrix share theirs. */
export function asWritten(
  findings: readonly Finding[],
  { groups }: Pick<Expansion, 'groups'>,
  written: WrittenIndices,
): readonly Finding[] {
  if (groups.size === 0) return findings;
  const bases = new Map([...groups].flatMap(([base, names]) => names.map(name => [name, base] as const)));
  const seen = new Set<string>();
  return findings.flatMap(finding => {
    const path = writtenPath(finding.path, bases, written);
    const key = JSON.stringify([formatPath(path), finding.message]);
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ ...finding, path }];
  });
}

function writtenPath(
  [root, agent, field, index, ...rest]: Path,
  bases: ReadonlyMap<string, string>,
  written: WrittenIndices,
): Path {
  const whole = [root, agent, field, index, ...rest].filter(key => key !== undefined);
  if (root !== 'agents' || typeof agent !== 'string') return whole;
  const base = bases.get(agent) ?? agent;
  const at = field === 'dependsOn' && typeof index === 'number' ? written.get(agent)?.[index] : undefined;
  return [root, base, field, at ?? index, ...rest].filter(key => key !== undefined);
}
