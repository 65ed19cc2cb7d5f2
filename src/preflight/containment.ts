import { realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** The identity of a directory or file for the kernel, independent of its path: of links, case and bind mounts. */
export type FileIdentity = string;

export function identityOf(path: string): FileIdentity {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? path : `${stats.dev}:${stats.ino}`;
}

/** Return the path without links; one that does not exist as it is written. */
export function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return resolve(path);
  }
}

/** Return the identities of all directories above a path, the nearest first. */
export function identitiesAbove(path: string): FileIdentity[] {
  const found: FileIdentity[] = [];
  for (let at = realPath(path); dirname(at) !== at; at = dirname(at)) found.push(identityOf(dirname(at)));
  return found;
}

/** Return whether `path` lies strictly below `folder`. */
export const isBelow = (path: string, folder: string) =>
  identitiesAbove(path).includes(identityOf(realPath(folder)));

/** Return whether `path` is `folder` or lies below it. */
export const isWithin = (path: string, folder: string) =>
  identityOf(realPath(path)) === identityOf(realPath(folder)) || isBelow(path, folder);
