import { constants, type Stats } from 'node:fs';
import { copyFile, lstat, mkdir, utimes } from 'node:fs/promises';
import { namesOf, pathBelow } from './entry-name.ts';

/** An additional name of a file in an untrusted tree: the names in its path, and the path of that file as written. */
export interface HardLink {
  readonly names: readonly string[];
  readonly target: string;
}

const flags = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;

/**
 * Copy files to their additional names. The source is a regular file of the same tree, which contains no symbolic link
 * yet: nothing outside is reachable. `admit` decides on each copy. Return the paths whose file is missing.
 */
export async function copyHardLinks(
  root: string,
  links: readonly HardLink[],
  admit: (path: string, size: number) => boolean,
): Promise<string[]> {
  const lost: string[] = [];
  for (const parent of new Set(links.map(({ names }) => names.slice(0, -1).join('/'))))
    await mkdir(pathBelow(root, parent), { recursive: true, mode: 0o700 }).catch(() => {});
  for (const { names, target } of links) {
    const path = names.join('/');
    const source = namesOf(target)?.join('/') ?? null;
    const facts = source === null ? null : await lstat(pathBelow(root, source)).catch(() => null);
    if (!facts?.isFile()) lost.push(path);
    else if (admit(path, facts.size))
      await copy(pathBelow(root, source!), pathBelow(root, path), facts).catch(() => lost.push(path));
  }
  return lost;
}

async function copy(from: Buffer, to: Buffer, { mtime }: Stats): Promise<void> {
  await copyFile(from, to, flags);
  await utimes(to, mtime, mtime).catch(() => {});
}
