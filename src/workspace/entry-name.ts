/** Names in a path, and bytes of a name and of a path: what any file system of the host takes below its own folders. */
const deepest = 200;
const longestName = 255;
const longestPath = 2_048;

/** Return the names of a relative path; null where it is absolute or has a `..`. */
export function namesOf(path: string): readonly string[] | null {
  const names = path.split('/').filter(name => name !== '' && name !== '.');
  return path.startsWith('/') || path.includes('\0') || names.includes('..') ? null : names;
}

export const isTooLong = (names: readonly string[]) =>
  names.length > deepest ||
  Buffer.byteLength(names.join('/')) > longestPath ||
  names.some(name => Buffer.byteLength(name) > longestName);

type Tree = Map<string, Tree>;

/** Count distinct paths, together with the directories that they imply. */
export function pathCounter(most: number): { add(names: readonly string[]): boolean } {
  const root: Tree = new Map();
  let count = 0;
  return {
    /** Return whether there is room for it. */
    add(names) {
      let at = root;
      let known = 0;
      for (let next = at.get(names[0]!); next !== undefined; next = at.get(names[known]!)) {
        at = next;
        known++;
      }
      if (count + names.length - known > most) return false;
      for (const name of names.slice(known)) {
        const next: Tree = new Map();
        at.set(name, next);
        at = next;
      }
      count += names.length - known;
      return true;
    },
  };
}
