import { createHash } from 'node:crypto';
import { isClosed, readLink, statOf } from './byte-files.ts';
import { printable } from './entry-name.ts';

/** Entries of a directory that git executes or follows, by relative path: kind, and content as printable text. */
export type GitState = ReadonlyMap<string, string>;

/** Return the names of entries that were added, removed or changed. */
export function changedGitState(before: GitState, after: GitState): string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names
    .filter(name => summaryOf(before.get(name)) !== summaryOf(after.get(name)))
    .map(name => `${name}${before.has(name) ? (after.has(name) ? '' : ' (removed)') : ' (new)'}`);
}

/** Return the first line, which is all that is compared: one state may lack the content below it. */
const summaryOf = (entry: string | undefined) => entry?.split('\n', 1)[0];

/** Return a state as one text, by which two states can be compared. */
export const printGitState = (state: GitState) =>
  [...state]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, entry]) => `== ${name}\n${entry}\n`)
    .join('');

/** Parse the output of `printGitState`, in which lines of content are indented. */
export const parseGitState = (text: string): GitState =>
  new Map(
    text
      .split(/^== /m)
      .slice(1)
      .map(entry => [entry.slice(0, entry.indexOf('\n')), entry.slice(entry.indexOf('\n') + 1, -1)]),
  );

/** Describe an entry: its kind on the first line, its content below, unless only the hash is wanted. */
export function describeEntry(path: string, text: string | null, withContent: boolean): string {
  const facts = statOf(path);
  if (!facts) return '  nothing';
  if (facts.isSymbolicLink()) return `  a link to ${printable(readLink(path))}`;
  if (facts.isDirectory()) return isClosed(path) ? '  a directory that cannot be read' : '  a directory';
  if (!facts.isFile()) return '  a special file';
  const mode = (facts.mode & 0o777).toString(8);
  if (text === null) return `  a file of ${facts.size} bytes, mode ${mode}`;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const summary = `  a file, mode ${mode}, sha256 ${hash}`;
  if (!withContent) return summary;
  const lines = text.split('\n').map(line => `  ${printable(line)}`);
  return `${summary}\n${lines.join('\n')}`;
}
