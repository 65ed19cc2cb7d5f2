import { constants, lstatSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { namesOf } from './entry-name.ts';

/** A further name of a file in an untrusted tree: its path by names, and the path of that file as written. */
export interface HardLink {
  readonly names: readonly string[];
  readonly target: string;
}

const flags = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;

/**
 * Copy the content of files under their further names. The source is a regular file of the same tree, which holds no
 * symbolic link yet: nothing outside can be reached. `admit` is asked with the size of each copy. Return the paths of
 * those whose content is not there.
 */
export async function copyHardLinks(
  root: string,
  links: readonly HardLink[],
  admit: (size: number) => boolean,
): Promise<string[]> {
  const lost: string[] = [];
  for (const parent of new Set(links.map(({ names }) => dirname(join(root, ...names)))))
    await mkdir(parent, { recursive: true, mode: 0o700 }).catch(() => {});
  for (const { names, target } of links) {
    const source = namesOf(target);
    const facts = source && lstatSync(join(root, ...source), { throwIfNoEntry: false });
    if (!facts?.isFile()) lost.push(names.join('/'));
    else if (admit(facts.size))
      await copyFile(join(root, ...source!), join(root, ...names), flags).catch(() =>
        lost.push(names.join('/')),
      );
  }
  return lost;
}
