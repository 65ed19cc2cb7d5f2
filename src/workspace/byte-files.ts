import { lstatSync, readdirSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { readSmallBytes } from './repository.ts';

/**
 * Read files by paths that have a character for each byte, see `entry-name.ts`: git reads a repository below any name.
 * None of these functions throws: an agent may remove or close anything at any moment.
 */

export const toByteString = (text: string) => Buffer.from(text).toString('latin1');
export const home = () => toByteString(homedir());
const toPath = (bytes: string) => Buffer.from(bytes, 'latin1');

/** Return the text of a regular file of at most `limit` bytes; null for anything else. */
export const readBytes = (path: string, limit = 2 ** 20) =>
  readSmallBytes(toPath(path), limit)?.toString('latin1') ?? null;

const byName = { withFileTypes: true, encoding: 'latin1' } as const;

export const entriesIn = (folder: string) => readdir(toPath(folder), byName).catch(() => []);

export function entriesOf(folder: string) {
  try {
    return readdirSync(toPath(folder), byName);
  } catch {
    return [];
  }
}

/** Nothing is known of an entry of a directory that is closed to the caller; the directory itself is recorded. */
export function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(toPath(path), { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

export const readLink = (path: string) => readlinkSync(toPath(path), 'latin1');

/** Return the final target of a link; null if the path is not a link, or the target does not exist. */
export function linkTarget(path: string): string | null {
  try {
    return lstatSync(toPath(path)).isSymbolicLink() ? realpathSync(toPath(path), 'latin1') : null;
  } catch {
    return null;
  }
}

/** Return whether the caller cannot read a directory: an agent may have closed it to hide its content. */
export function isClosed(path: string): boolean {
  try {
    readdirSync(toPath(path));
    return false;
  } catch {
    return true;
  }
}
