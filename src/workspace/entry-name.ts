import { escapeControl } from '../spec/escape-control.ts';

/**
 * Names of files in an untrusted tree are strings with a character for each byte (latin1), since Linux allows any bytes
 * in a name: as UTF-8 two of them could become one.
 */

/** Names in a path, and bytes of a name and of a path: limits that every file system of the host supports. */
const maxDepth = 200;
const maxNameLength = 255;
const maxPathLength = 2_048;

/** Return the names in a relative path; null if it is absolute or contains `..`. */
export function namesOf(path: string): readonly string[] | null {
  const names = path.split('/').filter(name => name !== '' && name !== '.');
  return path.startsWith('/') || path.includes('\0') || names.includes('..') ? null : names;
}

export const isTooLong = (names: readonly string[]) =>
  names.length > maxDepth ||
  names.join('/').length > maxPathLength ||
  names.some(name => name.length > maxNameLength);

/** Return a path below a directory, as bytes. */
export const pathBelow = (root: string, path: string): Buffer =>
  Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);

/** Return a name as text for people; bytes that are not UTF-8 are escaped. */
export function printable(name: string): string {
  const bytes = Buffer.from(name, 'latin1');
  const text = bytes.toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(bytes);
  return isText
    ? escapeControl(text)
    : escapeControl(name).replace(/[\x80-\xff]/g, byte => `\\x${byte.charCodeAt(0).toString(16)}`);
}

type Tree = Map<string, Tree>;

/** Count distinct paths, with the directories that they imply. */
export function pathCounter(maxPaths: number): { add(names: readonly string[]): boolean } {
  const root: Tree = new Map();
  let count = 0;
  return {
    /** Return whether the path is within the limit. */
    add(names) {
      let at = root;
      let known = 0;
      for (let next = at.get(names[0]!); next !== undefined; next = at.get(names[known]!)) {
        at = next;
        known++;
      }
      if (count + names.length - known > maxPaths) return false;
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
