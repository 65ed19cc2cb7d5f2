import { dirname, join, resolve } from 'node:path';
import { isWithin } from '../spec/paths.ts';
import { entriesOf, home, isClosed, readBytes, readLink, statOf } from './byte-files.ts';
import { parseGitConfig } from './repository.ts';

/** Count and record what is read of a git directory. Both throw beyond a limit. */
export interface GitVisitor {
  /** Count a file or path that is examined. */
  readonly spend: () => void;
  readonly record: (path: string) => void;
}

const maxHooks = 2_000;
const maxDepth = 12;
const maxConfigFiles = 100;
const files = [
  'config',
  'config.worktree',
  'commondir',
  'gitdir',
  'info/attributes',
  'info/grafts',
  'objects/info/alternates',
];

/** Return the git directory behind a `.git`; of a file, the one that it names. */
export function gitDirOf(path: string): string | null {
  const facts = statOf(path);
  if (facts?.isDirectory()) return path;
  const target = facts?.isSymbolicLink()
    ? readLink(path)
    : /^gitdir: ([^\n]+)/.exec(readBytes(path) ?? '')?.[1];
  return target === undefined ? null : resolve(dirname(path), target);
}

/** Record a git directory, and those of its submodules and linked work trees. */
export function recordGitDir(gitDir: string, visitor: GitVisitor, depth = 0): void {
  for (const name of files) if (statOf(join(gitDir, name))) visitor.record(join(gitDir, name));
  recordTree(join(gitDir, 'hooks'), visitor);
  if (depth < maxDepth)
    for (const nested of childGitDirs(gitDir, visitor)) recordGitDir(nested, visitor, depth + 1);
}

/** Record a file, or the content of a directory, two levels deep. */
export function recordTree(path: string, visitor: GitVisitor, depth = 0): void {
  visitor.spend();
  const facts = statOf(path);
  if (!facts) return;
  if (!facts.isDirectory()) visitor.record(path);
  else if (depth <= 2)
    for (const { name } of entriesOf(path).slice(0, maxHooks))
      recordTree(join(path, name), visitor, depth + 1);
}

/** Return the git directories of submodules, whose names may contain slashes, and of linked work trees. */
function childGitDirs(gitDir: string, { spend, record }: GitVisitor): string[] {
  const below = (folder: string, depth: number): string[] =>
    entriesOf(folder)
      .filter(entry => entry.isDirectory())
      .flatMap(({ name }) => {
        spend();
        const path = join(folder, name);
        if (isClosed(path)) record(path);
        const isGitDir = statOf(join(path, 'HEAD')) !== undefined;
        return isGitDir ? [path] : depth < maxDepth ? below(path, depth + 1) : [];
      });
  return [...below(join(gitDir, 'modules'), 0), ...below(join(gitDir, 'worktrees'), 0)];
}

export const nestedGitDirs = (gitDir: string, visitor: GitVisitor, depth = 0): string[] =>
  depth > maxDepth
    ? []
    : childGitDirs(gitDir, visitor).flatMap(child => [child, ...nestedGitDirs(child, visitor, depth + 1)]);

/**
 * Return the paths of the workspace that the configuration in a git directory names: included files, hooks elsewhere,
 * programs.
 */
export function configuredPaths(
  gitDir: string,
  { tree, root, visitor }: { readonly tree: string; readonly root: string; readonly visitor: GitVisitor },
): ReadonlySet<string> {
  const named = new Set<string>();
  const pending = ['config', 'config.worktree'].map(name => join(gitDir, name));
  for (
    let seen = 0, file = pending.shift();
    file !== undefined && seen < maxConfigFiles;
    file = pending.shift(), seen++
  ) {
    const from = dirname(file);
    for (const [, key, value] of parseGitConfig(readBytes(file) ?? '')) {
      const words = value!.split(/[\s"'\\;!=$()|&<>`]+/).filter(Boolean);
      const paths = words.flatMap(word => [
        resolve(tree, word),
        resolve(from, word.replace(/^~\//, `${home()}/`)),
      ]);
      for (const path of existingPaths(paths, root, visitor)) {
        if (named.has(path)) continue;
        named.add(path);
        if (key!.toLowerCase() === 'path') pending.push(path);
      }
    }
  }
  return named;
}

export const existingPaths = (paths: readonly string[], root: string, { spend }: GitVisitor) =>
  paths.filter(path => {
    spend();
    return path !== root && isWithin(path, root) && statOf(path);
  });
