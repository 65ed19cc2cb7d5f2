import { closestMatch } from 'leven';
import * as z from 'zod';

export const notSupported = 'not supported yet';

/** Return the message for a missing or invalid value. */
export function expects(form: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => (input === undefined ? `missing; expected ${form}` : `expected ${form}`);
}

/** An object whose message for an unknown key suggests the closest known one; `hints` replace the suggestion for some keys. */
export function strict<Shape extends z.ZodRawShape>(
  shape: Shape,
  form: string,
  hints: Readonly<Record<string, string>> = {},
) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: issue => {
      if (issue.code !== 'unrecognized_keys') return expects(form)(issue);
      // One line per key: `toFindings` splits them again, and a message never contains a line break.
      return issue.keys.map(key => unknownKey(key, known, hints)).join('\n');
    },
  });
}

function unknownKey(key: string, known: readonly string[], hints: Readonly<Record<string, string>>): string {
  if (Object.hasOwn(hints, key)) return `unknown key; ${hints[key]}`;
  const meant = closest(key, known);
  return meant === undefined
    ? `unknown key; expected one of ${known.join(', ')}`
    : `unknown key; did you mean "${meant}"?`;
}

/** Return the closest candidate with at most every third letter wrong; case and dashes do not count. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const bare = (text: string) => text.toLowerCase().replaceAll(/[-_ ]/g, '');
  const far = Math.max(2, Math.ceil(bare(word).length / 3));
  const meant = closestMatch(bare(word).slice(0, 80), candidates.map(bare), { maxDistance: far });
  return candidates.find(candidate => bare(candidate) === meant);
}
