import { closestMatch } from 'leven';
import * as z from 'zod';

export const notSupported = 'not supported yet';

/** What the spec's own words for a wrong value are, where there is none at all and where it is another. */
export function expects(what: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => (input === undefined ? `missing; expected ${what}` : `expected ${what}`);
}

/** An object that says of each key it does not know which one was meant; `hints` know better for some. */
export function strict<Shape extends z.ZodRawShape>(
  shape: Shape,
  what: string,
  hints: Readonly<Record<string, string>> = {},
) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: issue => {
      if (issue.code !== 'unrecognized_keys') return expects(what)(issue);
      // One line a key: `toFindings` takes them apart again, and a message can hold no line break.
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

/** The candidate that was most likely meant: no more than every third letter is wrong, case and dashes aside. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const bare = (text: string) => text.toLowerCase().replaceAll(/[-_ ]/g, '');
  const far = Math.max(2, Math.ceil(bare(word).length / 3));
  const meant = closestMatch(bare(word).slice(0, 80), candidates.map(bare), { maxDistance: far });
  return candidates.find(candidate => bare(candidate) === meant);
}
