import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isWithin } from '../spec/paths.ts';

/** A git repository of the host, found without running git: an agent may have written its files. */
export interface Repository {
  /** The root of its work tree. */
  readonly root: string;
  readonly gitDir: string;
  /** The directory of objects, branches and configuration; differs from the git directory for a linked work tree. */
  readonly commonDir: string;
}

export interface RepositoryProblem {
  readonly problem: string;
}

/**
 * Find the git directory of a work tree. One outside of the work tree is rejected unless it names the work tree in turn:
 * an agent could have pointed to a repository that it was never given.
 */
export function findRepository(root: string): Repository | RepositoryProblem {
  const gitDir = findGitDir(root);
  if (typeof gitDir !== 'string') return gitDir;
  const commonDir = findCommonDir(gitDir);
  if (typeof commonDir !== 'string') return commonDir;
  const repository = { root, gitDir, commonDir };
  const problem = findStorageProblem(repository);
  return problem === null ? repository : { problem };
}

function findGitDir(root: string): string | RepositoryProblem {
  const path = join(root, '.git');
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (facts?.isDirectory()) return path;
  if (!facts) return { problem: 'it has no .git' };
  if (facts.isSymbolicLink()) {
    const target = realPath(path);
    if (target !== null && isWithin(target, root) && target !== root) return target;
    return { problem: 'its .git is a link that leads out of it' };
  }
  const link = /^gitdir: ([^\n]+)\n*$/.exec(readSmallFile(path) ?? '')?.[1];
  const target = link === undefined ? null : realPath(resolve(root, link));
  if (target === null || target === root) return { problem: 'its .git file names no git directory' };
  if (isWithin(target, root) || pointsBack(target, root)) return target;
  return {
    problem: `its .git file leads to ${target}, which does not name it. If it is yours: git config core.worktree '${root}'`,
  };
}

/** The git directory names a linked work tree in `gitdir`, and a submodule in its configuration. */
function pointsBack(gitDir: string, root: string): boolean {
  const linked = readSmallFile(join(gitDir, 'gitdir'));
  if (linked !== null) return realPath(resolve(gitDir, linked.trimEnd())) === join(root, '.git');
  const tree = parseGitConfig(readSmallFile(join(gitDir, 'config')) ?? '')
    .find(([, key]) => key!.toLowerCase() === 'worktree')?.[2]
    ?.trim()
    .replace(/^"(.*)"$/, '$1');
  return tree !== undefined && realPath(resolve(gitDir, tree)) === root;
}

/** Return keys and values of a git configuration. Blanks exclude line ends: matching a file of only those would take hours. */
export const parseGitConfig = (text: string) => [
  ...text.matchAll(/^[ \t\v\f]*([A-Za-z][\w-]*)[ \t\v\f]*=(.*)$/gm),
];

function findCommonDir(gitDir: string): string | RepositoryProblem {
  const link = readSmallFile(join(gitDir, 'commondir'));
  if (link === null) return gitDir;
  const target = realPath(resolve(gitDir, link.trimEnd()));
  if (target !== null && gitDir === join(target, 'worktrees', basename(gitDir))) return target;
  return { problem: 'its git directory has a commondir file that is not of a linked work tree' };
}

function findStorageProblem({ root, commonDir }: Repository): string | null {
  if (lstatSync(join(commonDir, 'reftable'), { throwIfNoEntry: false }))
    return 'it keeps its branches as a reftable. Convert them: git refs migrate --ref-format=files';
  const objects = realPath(join(commonDir, 'objects'));
  if (objects === null) return 'it has no objects';
  if (!isWithin(objects, root) && !isWithin(objects, commonDir))
    return `its objects are a link to ${objects}. Make a clone of it, and name that`;
  const borrowed = (readSmallFile(join(objects, 'info', 'alternates')) ?? '')
    .split('\n')
    .find(line => line !== '' && !line.startsWith('#'));
  return borrowed === undefined
    ? null
    : `it borrows objects from ${resolve(objects, borrowed)}. Make it whole: git repack -a -d, then remove ${join(objects, 'info', 'alternates')}`;
}

/** Return the commit of HEAD. */
export function headCommit({ gitDir, commonDir }: Repository): string | RepositoryProblem {
  const head = readSmallFile(join(gitDir, 'HEAD'))?.trimEnd() ?? '';
  if (isObjectId(head)) return head;
  const ref = /^ref: (refs\/\S+)$/.exec(head)?.[1];
  if (ref === undefined || ref.split('/').includes('..'))
    return { problem: 'its HEAD names no branch and no commit' };
  return (
    refCommit(commonDir, ref) ?? {
      problem: 'it has no commit yet; make one first: git add --all && git commit --message=first',
    }
  );
}

/** Return the commit of a branch; null if it does not exist. */
export const branchCommit = ({ commonDir }: Repository, branch: string): string | null =>
  branch.split('/').includes('..') ? null : refCommit(commonDir, `refs/heads/${branch}`);

function refCommit(commonDir: string, ref: string): string | null {
  const loose = readSmallFile(join(commonDir, ref))?.trimEnd() ?? '';
  if (isObjectId(loose)) return loose;
  const packed = packedRef(readPackedRefs(commonDir), ref);
  return isObjectId(packed) ? packed : null;
}

/** Return why no branch can be created below `prefix`, which the work of agents needs; null if it can. */
export function branchProblem({ commonDir }: Repository, prefix: string): RepositoryProblem | null {
  const ref = `refs/heads/${prefix}`;
  const isLoose = lstatSync(join(commonDir, ref), { throwIfNoEntry: false })?.isFile() ?? false;
  const isTaken = isLoose || isObjectId(packedRef(readPackedRefs(commonDir), ref));
  return isTaken
    ? {
        problem: `its branch ${prefix} is in the way of the branches ${prefix}/… for the work of agents. Rename it: git branch --move ${prefix} NAME`,
      }
    : null;
}

const readPackedRefs = (commonDir: string) =>
  readSmallFile(join(commonDir, 'packed-refs'), 256 * 2 ** 20) ?? '';

/** Return the commit of a ref. The text is not split into lines: an agent may have filled it with line ends. */
function packedRef(text: string, ref: string): string {
  const end = `${text}\n`.indexOf(` ${ref}\n`);
  return end < 0 ? '' : text.slice(text.lastIndexOf('\n', end) + 1, end);
}

/**
 * Return the directories of a repository as mount sources: whole work trees, since an agent that works in one can replace
 * anything below it with a link. A directory below one of `writable` is replaced by that one for the same reason.
 */
export function repositoryRoots({ root, commonDir }: Repository, writable: readonly string[]): string[] {
  const owner = basename(commonDir) === '.git' ? dirname(commonDir) : commonDir;
  const at = owner.lastIndexOf('/.git/');
  const stable = (path: string) => writable.find(place => isWithin(path, place)) ?? path;
  const roots = [stable(root), stable(at < 0 ? owner : owner.slice(0, at))];
  return [...new Set(roots)].filter(path => !roots.some(other => other !== path && isWithin(path, other)));
}

const isObjectId = (text: string) => /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text);

function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

/** Return the text of a regular file of at most `limit` bytes; null for anything else. A link is not followed. */
export const readSmallFile = (path: string, limit = 2 ** 20): string | null =>
  readSmallBytes(path, limit)?.toString('utf8') ?? null;

/** Return the bytes, like `readSmallFile`. */
export function readSmallBytes(path: string | Buffer, limit: number): Buffer | null {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let fd: number;
  try {
    fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const facts = fstatSync(fd);
    if (!facts.isFile() || facts.size > limit) return null;
    const bytes = Buffer.alloc(facts.size);
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}
