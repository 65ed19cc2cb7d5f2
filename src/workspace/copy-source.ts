import { closeSync, constants, type Dirent, openSync, readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { pathBelow, printable } from './entry-name.ts';

/** What docker cannot copy of a directory, as text for people. */
export interface Uncopyable {
  /** Files and directories that the caller may not read. */
  readonly closed: readonly string[];
  readonly sockets: readonly string[];
}

/** Entries that are looked at; those of a larger tree are left to docker. */
const maxEntries = 500_000;

/**
 * Find what `docker cp` cannot copy of a directory. It passes over sockets and closed directories, and breaks off at a
 * closed file, of which its message says nothing.
 */
export async function findUncopyable(root: string): Promise<Uncopyable> {
  const closed: string[] = [];
  const sockets: string[] = [];
  let seen = 0;
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined && seen < maxEntries; folder = folders.pop()) {
    const entries = entriesOf(root, folder);
    if (entries === null) closed.push(folder === '' ? '.' : folder);
    for (const entry of entries ?? []) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      seen++;
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isSocket()) sockets.push(path);
      else if (entry.isFile() && isClosed(pathBelow(root, path))) closed.push(path);
    }
    // A large tree does not hold up what else goes on.
    await setImmediate();
  }
  return { closed: closed.map(printable).sort(), sockets: sockets.map(printable).sort() };
}

function entriesOf(root: string, folder: string): Dirent[] | null {
  try {
    return readdirSync(pathBelow(root, folder), { withFileTypes: true, encoding: 'latin1' });
  } catch (error) {
    return isRefusal(error) ? null : [];
  }
}

function isClosed(path: Buffer): boolean {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    closeSync(openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    return false;
  } catch (error) {
    return isRefusal(error);
  }
}

/** Anything else, such as a file that is gone by now, is docker's to report. */
const isRefusal = (error: unknown) =>
  ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
