import { dirname, resolve } from 'node:path';
import { checkExpanded } from './allowed-hosts.ts';
import { checkApprovals, withoutApprovals } from './approvals.ts';
import { findLogins } from './auth.ts';
import { findUnbrokered } from './broker.ts';
import { check, checkOrder, checkPrompts } from './checks.ts';
import { checkConditions } from './conditions.ts';
import { SpecError } from './errors.ts';
import { findProviders } from './find-providers.ts';
import { type Finding, inOrder, type Path } from './findings.ts';
import { checkForEach, expandForEach } from './for-each.ts';
import { checkFrom } from './from.ts';
import { checkHostSecrets } from './host-secrets.ts';
import { checkInputs, findInputs, withInputs } from './inputs.ts';
import { type Environment, interpolate } from './interpolate.ts';
import { validate } from './issues.ts';
import { asWritten, expandDependencies, expandMatrices } from './matrix.ts';
import { nameOfFile } from './name-of-file.ts';
import { checkOutputPrompts } from './output-prompt.ts';
import { findOutputs } from './outputs.ts';
import type { FlowPlan } from './plan.ts';
import { resolveReferences } from './references.ts';
import { resolveFlow } from './resolve.ts';
import { selectAgents } from './select-agents.ts';
import { parseSource, type Source } from './source.ts';
import { readSpec, type SpecText } from './spec-text.ts';
import { checkRunBudget, findUncounted } from './uncounted-budgets.ts';

export interface SpecOptions {
  /** Environment variables that replace `${NAME}` in the spec. */
  readonly env: Environment;
}

/**
 * Read a spec and the files that it names, such as prompts and workspaces. Durations in the plan are in milliseconds,
 * sizes in bytes.
 *
 * @param path A file of JSON with comments. Paths in it are relative to its directory; for a pipe, such as `/dev/stdin`,
 *   to the working directory.
 * @throws {SpecError} with all problems, also if the file cannot be read.
 *
 * @example
 * ```ts
 * import { writeFile } from 'node:fs/promises';
 * import { loadSpec } from 'agent-flow';
 *
 * await writeFile('two.json', '{ "agents": { "a": { "command": ["${TOOL:-true}"] }, "b": { "command": ["true"] } } }');
 * const { name, agents } = await loadSpec('two.json', { env: process.env });
 * console.log(name, agents.length, agents[0]?.timeouts.run); // two 2 7200000
 * ```
 */
export async function loadSpec(path: string, { env }: SpecOptions): Promise<FlowPlan> {
  return planFromText(await readSpec(path), { env });
}

/**
 * Parse the text of a spec, like `loadSpec`. `path` need not exist: the name of the flow and relative paths derive from
 * it.
 *
 * @throws {SpecError} with all problems.
 *
 * @example
 * ```ts
 * import { parseSpec, SpecError } from 'agent-flow';
 *
 * const text = '{ "agents": { "a": { "comand": ["true"] } } }';
 * await parseSpec(text, { path: 'flow.json', env: {} }).catch(error => {
 *   if (error instanceof SpecError) console.log(error.problems[0]?.path); // agents.a
 * });
 * ```
 */
export async function parseSpec(
  text: string,
  { path, env }: SpecOptions & { readonly path: string },
): Promise<FlowPlan> {
  const file = { file: path, directory: dirname(resolve(path)), name: nameOfFile(path) };
  return planFromText({ text, ...file }, { env });
}

/** Make a plan of the text of a spec, like `loadSpec`: of all agents, or `only` of these and what they depend on. */
export async function planFromText(
  { text, file, directory, name }: Omit<SpecText, 'isStream'>,
  { env, only }: SpecOptions & { readonly only?: readonly string[] | undefined },
): Promise<FlowPlan> {
  const source = parse(text.replace(/^\uFEFF/, ''), file);
  const { order, groups, matrices, ...expanded } = expandMatrices(
    source.value,
    source.keysOf(['agents']),
    env,
  );
  const filled = interpolate(expanded.value, env, matrices);
  const templates = findInputs(filled.value);
  const { inputs } = templates;
  const { value, written } = expandDependencies(templates.value, groups);
  const inFile = (findings: readonly Finding[]) =>
    inOrder(asWritten(findings, { groups }, written), source.offsetOf);
  const early = [...source.findings, ...expanded.findings, ...filled.findings];
  const { data, findings: invalid } = validate(value);
  const known = [...early, ...invalid.filter(finding => !hasFindingAt(early, finding.path))];
  const work = withoutApprovals(value);
  const { providers, ...defined } = await findProviders(work, env);
  const { references, ...conditions } = await checkConditions(value, groups);
  const { outputs, ...schemas } = await findOutputs(work, { directory, found: known });
  const checks = [
    ...check(work, { found: known, providers }),
    ...checkOrder(value, withInputs(value, references, inputs)),
    ...checkInputs(value, { inputs, groups, outputs, providers }),
    ...checkForEach(value, { found: known, groups, outputs }),
    ...checkApprovals(value),
    ...schemas.findings,
  ];
  const related = [...defined.findings, ...checks, ...conditions.findings].filter(
    finding => !hasFindingAt(known, finding.path),
  );
  const checked = [...known, ...related];
  const files = await resolveReferences(work, { directory, found: checked });
  const all = [...checked, ...files.findings];
  all.push(...checkFrom(value, { found: all, files }));
  const logins = await findLogins(withoutApprovals(data), { env, providers });
  all.push(...logins.findings, ...checkPrompts(work, { prompts: files.prompts, providers }));
  if (data === null || all.length > 0) throw new SpecError(file, inFile(all));
  const found = { files, logins: logins.values, env, providers, references, matrices, inputs, outputs };
  const plan = resolveFlow(data, { order, name, ...found });
  const refused = [
    ...findUnbrokered(plan, logins.values),
    ...findUncounted(data, plan),
    ...checkRunBudget(plan),
    ...checkExpanded(withoutApprovals(data), { agents: plan.agents, providers }),
    ...checkHostSecrets(plan),
    ...checkOutputPrompts(plan),
  ];
  if (refused.length > 0) throw new SpecError(file, inFile(refused));
  const whole = expandForEach(plan, data);
  return only === undefined ? whole : selectAgents(whole, only, groups);
}

function parse(text: string, path: string): Source {
  const source = parseSource(text);
  if (source.value === undefined) throw new SpecError(path, inOrder(source.findings, source.offsetOf));
  return source;
}

/** A string that could not be interpolated needs no second finding, such as that it is not a valid duration. */
function hasFindingAt(findings: readonly Finding[], path: Path): boolean {
  return findings.some(
    found => found.path.length === path.length && found.path.every((key, i) => key === path[i]),
  );
}
