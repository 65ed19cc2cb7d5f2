import { lstatSync, readlinkSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { isWithin } from '../spec/paths.ts';
import { findWorkTree } from '../spec/workspaces.ts';
import type { MountTarget } from './mount-targets.ts';
import { findRepository, parseGitConfig, readSmallFile } from './repository.ts';

/** The path of the workspace in a container. */
const inside = '/workspace';

/**
 * Return why git does not work in the container of an agent with this workspace, and how to fix it; null if no problem
 * is known. A repository may be outside of the workspace, wholly or in part.
 */
export function findGitProblem(workspace: string, mounts: readonly MountTarget[]): string | null {
  const root = findWorkTree(workspace);
  if (root === null || !isRepository(root)) return null;
  if (root !== workspace)
    return `${workspace} is a directory of the repository ${root}, whose .git is outside of it. Where git is needed, name ${root} as the workspace, or use "mode": "clone", which starts in the same directory`;
  const isSeen = (path: string) =>
    [inside, ...mounts.map(({ target }) => target)].some(top => isWithin(path, top));
  const link = readGitLink(join(root, '.git'));
  if (link !== null && !isSeen(resolve(inside, link)))
    return `the .git of ${root} leads to ${resolve(root, link)}, which is not in the container. Where git is needed, ${otherWay(root)}`;
  const gitDir = resolve(root, link ?? '.git');
  return isWithin(gitDir, root) ? findGitDirProblem(root, gitDir, isSeen) : null;
}

/** A run cannot clone every repository whose git directory is elsewhere. */
const otherWay = (root: string) =>
  'problem' in findRepository(root) ? `name a clone of it: git clone ${root}` : 'use "mode": "clone"';

/** Return the same for the paths that a git directory in the work tree names. */
function findGitDirProblem(root: string, gitDir: string, isSeen: (path: string) => boolean): string | null {
  const seenFrom = (folder: string, path: string) =>
    isSeen(resolve(inside, relative(root, join(gitDir, folder)), path));
  const objects = symbolicLink(join(gitDir, 'objects'));
  if (objects !== null && !seenFrom('.', objects))
    return `the objects of ${root} are a link to ${resolve(gitDir, objects)}, which is not in the container. Where git is needed, name a clone of it`;
  const borrowed = (readSmallFile(join(gitDir, 'objects', 'info', 'alternates')) ?? '')
    .split('\n')
    .find(line => line !== '' && !line.startsWith('#') && !seenFrom('objects', line));
  if (borrowed !== undefined)
    return `${root} borrows objects from ${resolve(gitDir, 'objects', borrowed)}, which is not in the container. Where git is needed, make it whole: git repack -a -d, then remove ${join(gitDir, 'objects', 'info', 'alternates')}`;
  const tree = parseGitConfig(readSmallFile(join(gitDir, 'config')) ?? '')
    .find(([, key]) => key!.toLowerCase() === 'worktree')?.[2]
    ?.trim()
    .replace(/^"(.*)"$/, '$1');
  return tree === undefined || seenFrom('.', tree)
    ? null
    : `the configuration of ${root} names a work tree that is not in the container: core.worktree is ${tree}. Where git is needed: git config --unset core.worktree`;
}

/** Return whether git would accept this directory as a work tree. */
function isRepository(root: string): boolean {
  const path = join(root, '.git');
  const link = readGitLink(path);
  const gitDir = link === null ? path : resolve(root, link);
  try {
    return lstatSync(join(gitDir, 'HEAD'), { throwIfNoEntry: false }) !== undefined;
  } catch {
    // Closed to the caller, but not to root in a container.
    return true;
  }
}

/** Return the path in a `.git` that is a link or a file, as written. */
const readGitLink = (path: string): string | null =>
  symbolicLink(path) ?? /^gitdir: ([^\n]+)\n*$/.exec(readSmallFile(path) ?? '')?.[1] ?? null;

function symbolicLink(path: string): string | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : null;
  } catch {
    return null;
  }
}
