import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isWithin } from '../spec/paths.ts';
import { findRepository, readSmallFile } from './repository.ts';

/** A path of a bound repository that agents see as it was when they started, and cannot change. */
export interface ProtectedPath {
  /** Relative to the workspace. */
  readonly path: string;
  /** What is mounted there: a copy, in a directory that no agent can write to. */
  readonly snapshot: string;
}

/** Hooks beyond these bounds are not copied: what becomes of them is reported at the end all the same. */
const maxEntries = 500;
const maxBytes = 20 * 2 ** 20;

/**
 * Find what git would execute of a bound repository: its configuration and hooks, and a `.git` that is a file; as paths
 * relative to the workspace.
 */
export function protectedGitPaths(workspace: string): string[] {
  const repository = findRepository(workspace);
  if ('problem' in repository) return [];
  const { gitDir } = repository;
  const inside = isWithin(gitDir, workspace) ? relative(workspace, gitDir) : null;
  const isPresent = (path: string) => lstatSync(join(workspace, path), { throwIfNoEntry: false });
  return [
    ...(isPresent('.git')?.isFile() ? ['.git'] : []),
    ...(inside === null ? [] : ['config', 'config.worktree', 'hooks'].map(name => join(inside, name))),
  ].filter(path => isPresent(path)?.isFile() || isPresent(path)?.isDirectory());
}

/**
 * Copy these paths to `folder`. Mounted over the originals, the copies keep agents from changing them by accident. An
 * agent that means to can rename the directories above: that is what `gitState` finds out.
 */
export function takeSnapshots(workspace: string, folder: string): ProtectedPath[] {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  completeGitDir(workspace);
  return protectedGitPaths(workspace).flatMap((path, index) => {
    const snapshot = join(folder, String(index));
    return takeSnapshot(join(workspace, path), snapshot) ? [{ path, snapshot }] : [];
  });
}

/** A mount needs something to lie over. What git takes to be empty anyhow is made, as the caller. */
function completeGitDir(workspace: string): void {
  const repository = findRepository(workspace);
  if ('problem' in repository || !isWithin(repository.gitDir, workspace)) return;
  const { gitDir } = repository;
  const make = (name: string, create: (path: string) => void) => {
    const path = join(gitDir, name);
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) create(path);
  };
  try {
    make('hooks', path => mkdirSync(path));
    if (/^\s*worktreeConfig\s*=\s*(true|yes|on|1)/im.test(readSmallFile(join(gitDir, 'config')) ?? ''))
      make('config.worktree', path => writeFileSync(path, '', { flag: 'wx' }));
  } catch {
    // Not ours to write: then it is not protected, and what appears there is reported at the end.
  }
}

function takeSnapshot(from: string, to: string): boolean {
  const facts = lstatSync(from, { throwIfNoEntry: false });
  if (facts?.isFile()) {
    const text = readSmallFile(from);
    if (text === null) return false;
    writeFileSync(to, text, { mode: 0o644, flag: 'wx' });
    return true;
  }
  if (!facts?.isDirectory() || !isSmall(from)) return false;
  cpSync(from, to, { recursive: true, verbatimSymlinks: true, filter: path => isPlain(path) });
  return existsSync(to);
}

function isPlain(path: string): boolean {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  return facts !== undefined && (facts.isFile() || facts.isDirectory() || facts.isSymbolicLink());
}

function isSmall(folder: string): boolean {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const bytes = names.reduce(
    (sum, name) => sum + (lstatSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
  return names.length <= maxEntries && bytes <= maxBytes;
}
