import type { RequiredResult } from '../../machines/agent-types.ts';
import { agentName } from './names.ts';

const inputFields = ['output', 'status', 'exitCode', 'branch'] as const;

/** A value of an agent that has ended, such as `agents.plan.output.tasks.0.title`. */
export interface Reference {
  readonly agent: string;
  readonly field: (typeof inputFields)[number];
  /** Keys and indices in the output. */
  readonly path: readonly string[];
}

/** Parse a reference; null if it is not valid. */
export function parseReference(text: string): Reference | null {
  const [root, agent = '', field, ...path] = text.split('.');
  const known = inputFields.find(name => name === field);
  if (root !== 'agents' || known === undefined || !agentName.test(agent)) return null;
  if (!path.every(isKey) || (known !== 'output' && path.length > 0)) return null;
  return { agent, field: known, path };
}

/** The item of an agent for one item of a list, a part of it, or its position. */
export type ItemReference =
  | { readonly field: 'index' }
  | { readonly field: 'item'; readonly path: readonly string[] };

/** Parse `item`, `item.title` or `index`; null for anything else. */
export function parseItemReference(text: string): ItemReference | null {
  if (text === 'index') return { field: 'index' };
  const [root, ...path] = text.split('.');
  return root === 'item' && path.every(isKey) ? { field: 'item', path } : null;
}

/** Return whether a text is a reference to another agent, or to an item. */
export const isReference = (text: string): boolean =>
  parseReference(text) !== null || parseItemReference(text) !== null;

const isKey = (key: string) => /^[\w-]+$/.test(key);

/** Return the agents that references name, with the results that they need: an output is that of a success. */
export function requiredBy(texts: readonly string[]): ReadonlyMap<string, RequiredResult> {
  const required = new Map<string, RequiredResult>();
  for (const text of texts) {
    const reference = parseReference(text);
    if (reference === null) continue;
    const { agent, field } = reference;
    if (field === 'output' || !required.has(agent))
      required.set(agent, field === 'output' ? 'succeeded' : 'ended');
  }
  return required;
}
