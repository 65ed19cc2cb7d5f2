import { type InputSource, maxInputBytes, missingValue, readReference } from './fill-inputs.ts';
import type { ForEachPlan } from './for-each-plan.ts';
import { asciiJson } from './output-text.ts';
import { parseReference } from './reference.ts';

/** The items of a list, each as JSON, or why there are none and the kind of that failure. */
export type ListRead =
  | { readonly items: readonly string[] }
  | { readonly problem: string; readonly kind: 'reference' | 'forEach' };

/** Read the list of an agent with `forEach` from the output of another one, which may be anything. */
export function readList(
  { items: text, max }: Pick<ForEachPlan, 'items' | 'max'>,
  sources: ReadonlyMap<string, InputSource>,
): ListRead {
  const reference = parseReference(text);
  const source = reference && sources.get(reference.agent);
  const value = source ? readReference(reference, source) : undefined;
  if (value === undefined || value === null)
    return { problem: missingValue(text, source ?? undefined), kind: 'reference' };
  const refused = (problem: string) => ({ problem: `\${${text}} ${problem}`, kind: 'forEach' }) as const;
  if (!Array.isArray(value)) return refused(`is no list: it is ${nameOfType[typeof value] ?? 'a value'}`);
  if (value.length > max)
    return refused(`has ${value.length} items; "max" allows ${max}, and no agent was started`);
  const items = value.map(asciiJson);
  const bytes = items.reduce((sum, item) => sum + item.length, 0);
  return bytes > maxInputBytes ? refused('is larger than 1 MiB') : { items };
}

const nameOfType: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
};
