import { maxArgumentLength } from './fields.ts';
import { maxTextSize } from './files.ts';
import { asciiJson, insertedText } from './output-text.ts';
import type { AgentPlan } from './plan.ts';
import { parseItemReference, parseReference, type Reference } from './reference.ts';
import { asTemplate, fillTemplate } from './templates.ts';

/** The values of references, as JSON, by the text of the reference. */
export type InputValues = Readonly<Record<string, string>>;

/** The values of an agent that has ended. */
export interface InputSource {
  readonly status: string;
  readonly exitCode: number | null;
  readonly branch: string | null;
  /** Its output as JSON; null if it has none. */
  readonly output: string | null;
}

/** Bytes of the values of one agent, as JSON. */
export const maxInputBytes = 2 ** 20;

type Filled = Pick<AgentPlan, 'prompt' | 'command' | 'env'>;

/** The item of an agent for one item of a list. */
export interface ItemSource {
  /** Its position in the list, from 1. */
  readonly index: number;
  readonly json: string;
}

/** Return the values of the references of an agent, or why it cannot be started with them. */
export function readInputs(
  plan: Filled & Pick<AgentPlan, 'inputs'>,
  sources: ReadonlyMap<string, InputSource>,
  item: ItemSource | null = null,
): { readonly values: InputValues } | { readonly problem: string } {
  const values: Record<string, string> = {};
  let bytes = 0;
  for (const text of plan.inputs ?? []) {
    const reference = parseReference(text);
    const source = reference ? sources.get(reference.agent) : undefined;
    const value = reference ? source && readReference(reference, source) : readItem(text, item);
    if (value === undefined || value === null) return { problem: missingValue(text, source) };
    values[text] = asciiJson(value);
    bytes += values[text].length;
    if (bytes > maxInputBytes)
      return { problem: 'the values of its references are larger than 1 MiB together' };
  }
  const problem = limitProblem(fillInputs(plan, values));
  return problem === null ? { values } : { problem };
}

/** Return why a reference has no value, as text for the user. */
export function missingValue(text: string, source: InputSource | undefined): string {
  const reference = parseReference(text);
  const reason = reference && source?.status ? `: ${reasonOf(reference, source)}` : '';
  return `\${${text}} has no value${reason}`;
}

export function readReference({ field, path }: Reference, source: InputSource): unknown {
  if (field !== 'output') return source[field];
  return source.output === null ? undefined : valueAt(JSON.parse(source.output), path);
}

function readItem(text: string, item: ItemSource | null): unknown {
  const reference = parseItemReference(text);
  if (reference === null || item === null) return undefined;
  return reference.field === 'index' ? item.index : valueAt(JSON.parse(item.json), reference.path);
}

function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    // The length of an array is not one of its items.
    if (Array.isArray(value) && !/^\d+$/.test(key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

const reasonOf = ({ agent, field }: Reference, { status, output }: InputSource) =>
  field === 'output' && output !== null
    ? `the output of ${agent} does not have it, or it is null`
    : `${agent} has no ${field === 'exitCode' ? 'exit code' : field}; its status is ${status}`;

/** Return a plan with its references replaced by values. */
export function fillInputs<Plan extends Filled>(plan: Plan, values: InputValues): Plan {
  return filled(plan, reference => insertedText(JSON.parse(values[reference]!)));
}

/** Return a plan as its spec has it, for a run that does not begin: with the references in place. */
export const unfilled = <Plan extends Filled>(plan: Plan): Plan =>
  filled(plan, reference => `\${${reference}}`);

function filled<Plan extends Filled>(plan: Plan, textOf: (reference: string) => string): Plan {
  const fill = (text: string) => fillTemplate(text, textOf);
  return {
    ...plan,
    prompt: plan.prompt === null ? null : fill(plan.prompt),
    command: plan.command.map(fill),
    env: Object.fromEntries(Object.entries(plan.env).map(([name, value]) => [name, fill(value)])),
  };
}

/** Return why values do not fit into a prompt, an argument or a variable; null if they do. */
function limitProblem({ prompt, command, env }: Filled): string | null {
  const words = [...command, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
  if ([...words, prompt ?? ''].some(text => text.includes('\0')))
    return 'a value of its references has a NUL character, which no argument, variable or prompt can have';
  if (words.some(word => Buffer.byteLength(word) > maxArgumentLength))
    return 'with the values of its references, an argument or variable is larger than 128 KiB';
  const isTooLong = prompt !== null && Buffer.byteLength(prompt) > maxTextSize;
  return isTooLong ? 'with the values of its references, its prompt is larger than 10 MB' : null;
}

/** Have all texts of an agent with references stand for themselves, apart from templates: by text, and by name of a variable. */
export function asTemplates<Plan extends Filled>(
  plan: Plan,
  { texts, variables }: { readonly texts: ReadonlySet<string>; readonly variables: ReadonlySet<string> },
): Plan {
  const template = (text: string) => (texts.has(text) ? text : asTemplate(text));
  const env = Object.entries(plan.env).map(([name, value]) => [
    name,
    variables.has(name) ? value : asTemplate(value),
  ]);
  return {
    ...plan,
    prompt: plan.prompt === null ? null : template(plan.prompt),
    command: plan.command.map(template),
    env: Object.fromEntries(env),
  };
}
