import type { Providers } from '../providers/catalogue.ts';
import type { Provider } from '../providers/provider.ts';
import { agentFields, defaultFields } from './checks.ts';
import type { ConditionReferences } from './control.ts';
import { isObject } from './fields.ts';
import type { Finding, Path } from './findings.ts';
import { at } from './issues.ts';
import { excludedKey, type OutputSchemas, schemaAt } from './outputs.ts';
import { providerOf } from './providers.ts';
import { parseItemReference, parseReference, requiredBy } from './reference.ts';
import { closest } from './schema-kit.ts';
import { referencesIn, type Template, templatesOf, withoutTemplates } from './templates.ts';

/** The references of each agent that has some. */
export type Inputs = ReadonlyMap<string, readonly string[]>;

/** Find the references of agents. The templates of agents without any become plain text again. */
export function findInputs(value: unknown): { readonly value: unknown; readonly inputs: Inputs } {
  const inputs = new Map<string, string[]>();
  const agents: Record<string, unknown> = Object.assign(Object.create(null), at(value, ['agents']));
  for (const { path, fields } of agentFields(value)) {
    const references = templatesOf(fields).flatMap(({ text }) => referencesIn(text));
    const name = String(path[1]);
    if (references.length > 0) inputs.set(name, [...new Set(references)]);
    else agents[name] = withoutTemplates(fields);
  }
  return { value: isObject(at(value, ['agents'])) ? { ...(value as object), agents } : value, inputs };
}

/** Check the references of agents: that they are valid, and that there may be such a value. */
export function checkInputs(
  value: unknown,
  {
    inputs,
    providers,
    ...found
  }: { inputs: Inputs; groups: Groups; outputs: OutputSchemas; providers: Providers },
): Finding[] {
  if (inputs.size === 0) return [];
  const agents = agentFields(value);
  const fieldsOf = new Map(agents.map(({ path, fields }) => [String(path[1]), fields]));
  const defaults = defaultFields(value).fields;
  return agents.flatMap(({ path, fields }) => {
    // The strings of other agents are no templates any more.
    if (!inputs.has(String(path[1]))) return [];
    const provider = providers.get(providerOf(fields, defaults));
    return templatesOf(fields).flatMap(template =>
      referencesIn(template.text).flatMap(text => {
        const message =
          ownedProblem(template, provider) ??
          referenceProblem(text, { ...found, own: String(path[1]), fieldsOf });
        const where: Path = [...path, ...template.path];
        return message === null ? [] : [{ path: where, value: template.text, message }];
      }),
    );
  });
}

/** The address of an API, for example, gets the key of the user. */
function ownedProblem({ path: [field, name] }: Template, provider: Provider | undefined): string | null {
  if (field !== 'env' || !provider?.passThroughEnv.includes(String(name))) return null;
  return `${name} configures ${provider.name}: its value cannot come from another agent`;
}

type Groups = ReadonlyMap<string, readonly string[]>;

export interface Referenced {
  /** The agent with the reference. */
  readonly own: string;
  readonly fieldsOf: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly groups: Groups;
  readonly outputs: OutputSchemas;
}

/** Return why there can be no such value; null if there may be one. */
function referenceProblem(text: string, referenced: Referenced): string | null {
  const { own, fieldsOf, groups } = referenced;
  const written = `\${${text}}`;
  if (/^item(?:\.|$)|^index$/.test(text)) return itemProblem(text, referenced);
  const reference = parseReference(text);
  if (reference === null)
    return `${written} is not valid; expected \${agents.NAME.output}, \${agents.NAME.output.KEY}, or status, exitCode or branch in place of output; write $${written} for the text`;
  const { agent, field, path } = reference;
  if (agent === own) return `${written}: an agent cannot wait for itself; name another one`;
  const group = groups.get(agent);
  if (group !== undefined)
    return `${written}: "${agent}" has a matrix; name one of its agents, such as "${group[0]}"`;
  const fields = fieldsOf.get(agent);
  if (fields === undefined) {
    const meant = closest(
      agent,
      [...fieldsOf.keys()].filter(name => name !== own),
    );
    return `${written}: no agent is named "${agent}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`;
  }
  if (fields.approve !== undefined && field !== 'status')
    return `${written}: "${agent}" is an approval, which has a status only`;
  if (fields.forEach !== undefined && (field === 'exitCode' || field === 'branch'))
    return `${written}: "${agent}" has "forEach"; only its status and its output can be read`;
  if (field !== 'output') return null;
  if (!referenced.outputs.has(agent))
    return `${written}: "${agent}" has no "output"; give it one with a schema`;
  const schema = outputSchema(agent, referenced);
  const excluded = schema && excludedKey(schema, path);
  return excluded && `${written}: the schema of "${agent}" has no ${excluded}`;
}

/** Return the schema of what others read of an agent: of an agent with `forEach`, an array of outputs. */
function outputSchema(agent: string, { fieldsOf, outputs }: Referenced) {
  const schema = outputs.get(agent) ?? null;
  return schema !== null && fieldsOf.get(agent)?.forEach !== undefined
    ? { type: 'array', items: schema }
    : schema;
}

function itemProblem(text: string, referenced: Referenced): string | null {
  const written = `\${${text}}`;
  const reference = parseItemReference(text);
  if (reference === null)
    return `${written} is not valid; expected \${item}, \${item.KEY} or \${index}; write $${written} for the text`;
  const { forEach } = referenced.fieldsOf.get(referenced.own)!;
  const list = typeof forEach === 'string' ? parseReference(forEach.slice(2, -1)) : null;
  const schema = list && outputSchema(list.agent, referenced);
  const items = schema && schemaAt(schema, [...list.path, '0']);
  const excluded = items && reference.field === 'item' && excludedKey(items, reference.path);
  return excluded ? `${written}: the schema of its items has no ${excluded}` : null;
}

/** Return why the value of `forEach` cannot be a list; null if it may be one. */
export function listProblem(text: string, referenced: Referenced): string | null {
  const problem = referenceProblem(text, referenced);
  const reference = parseReference(text);
  if (problem !== null || reference === null) return problem;
  const written = `\${${text}}`;
  if (reference.field !== 'output')
    return `${written} is no list; read one from the output of "${reference.agent}"`;
  const schema = outputSchema(reference.agent, referenced);
  const { type } = (schema && schemaAt(schema, reference.path)) ?? {};
  const types = Array.isArray(type) ? type : [type];
  return type === undefined || types.includes('array')
    ? null
    : `${written} is no list: the schema of "${reference.agent}" says ${types.join(' or ')} there, and not array`;
}

/** Add the agents that templates name to those that conditions name. Others have a finding. */
export function withInputs(
  value: unknown,
  references: ConditionReferences,
  inputs: Inputs,
): ConditionReferences {
  const lists = agentFields(value).filter(({ fields }) => typeof fields.forEach === 'string');
  if (inputs.size === 0 && lists.length === 0) return references;
  const read = new Map(inputs);
  for (const { path, fields } of lists) {
    const name = String(path[1]);
    read.set(name, [...(inputs.get(name) ?? []), String(fields.forEach).slice(2, -1)]);
  }
  const known = new Set(agentFields(value).map(({ path }) => String(path[1])));
  const all = new Map(references);
  for (const [agent, texts] of read) {
    const named = [...requiredBy(texts).keys()].filter(name => name !== agent && known.has(name));
    all.set(agent, [...new Set([...(references.get(agent) ?? []), ...named])]);
  }
  return all;
}
