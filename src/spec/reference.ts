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
  if (!path.every(key => /^[\w-]+$/.test(key)) || (known !== 'output' && path.length > 0)) return null;
  return { agent, field: known, path };
}

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
