/** The file that an agent writes its output to; `agent-init` creates its directory. */
export const outputPath = '/run/agent/output.json';

/** Maximum bytes of the file. */
export const maxOutputBytes = 256 * 1024;

/** Maximum depth of arrays and objects in each other. */
const maxDepth = 64;

export type ParsedOutput = { readonly value: unknown } | { readonly problem: string };

/** Parse an output, which is hostile: its size is bounded, and so is the depth that code which recurses gets. */
export function parseOutput(text: string): ParsedOutput {
  if (depthOf(text) > maxDepth) return { problem: `is nested more than ${maxDepth} levels deep` };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'is not valid JSON' };
  }
  return hasFiniteNumbers(value) ? { value } : { problem: 'has a number that is too large' };
}

/**
 * Return a value as JSON that is ASCII: without characters that a journal or a terminal would change. Parsing it returns the
 * same value.
 */
export const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(
    /[\x7f-\uffff]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Return a value as text for an argument or a prompt: a string as it is, anything else as JSON. */
export const insertedText = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

/** Return the largest depth of brackets outside of strings, without parsing: a parser may recurse. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"?|[[{\]}]/gs)) {
    if (token === '[' || token === '{') deepest = Math.max(deepest, ++depth);
    else if (token === ']' || token === '}') depth--;
  }
  return deepest;
}

/** Return whether all numbers are finite: JSON has `1e999`, which would be written as null. */
function hasFiniteNumbers(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(hasFiniteNumbers);
}
