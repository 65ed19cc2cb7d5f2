import { closeSync, constants, type Dirent, openSync, readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { pathBelow, printable } from './entry-name.ts';

/** The entries of a directory that docker cannot copy, as text for people. */
export interface Uncopyable {
  /** Files and directories that are closed to the caller. */
  readonly closed: readonly string[];
  readonly sockets: readonly string[];
}

/** Entries to examine; the rest of a larger tree is left to docker. */
const maxEntries = 500_000;

/**
 * Find the entries that `docker cp` cannot copy. It skips sockets and closed directories, and aborts at a closed file
 * without naming it.
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
    // Let other work proceed during a large tree.
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

/** Docker reports other errors, such as a file that was removed meanwhile. */
const isRefusal = (error: unknown) =>
  ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
