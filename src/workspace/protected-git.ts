import {
  chmodSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { isWithin } from '../spec/paths.ts';
import { type DirectoryHandle, openDirectory } from '../store/directory-handle.ts';
import { findRepository, parseGitConfig, readSmallBytes, readSmallFile } from './repository.ts';

/** A path of a bound repository that agents see as it was at their start, and cannot change. */
export interface ProtectedPath {
  /** Relative to the workspace. */
  readonly path: string;
  /** The copy that is mounted there, in a directory that no agent can write to. */
  readonly snapshot: string;
}

/** Hooks beyond these limits are not copied: changes of them are still reported at the end. */
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
 * Copy these paths to `folder`. Mounted over the originals, the copies keep agents from changing them by accident. A
 * hostile agent can rename the directories above: `gitState` detects that.
 */
export function takeSnapshots(workspace: string, folder: string): ProtectedPath[] {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  completeGitDir(workspace);
  return protectedGitPaths(workspace).flatMap((path, index) => {
    const snapshot = join(folder, String(index));
    return takeSnapshot(workspace, path, snapshot) ? [{ path, snapshot }] : [];
  });
}

/** Create what is missing and empty by default, as the caller: a mount needs an existing target. */
function completeGitDir(workspace: string): void {
  const repository = findRepository(workspace);
  if ('problem' in repository || !isWithin(repository.gitDir, workspace)) return;
  const { gitDir } = repository;
  const hasOwnConfig = parseGitConfig(readSmallFile(join(gitDir, 'config')) ?? '').some(
    ([, key, value]) => key!.toLowerCase() === 'worktreeconfig' && /^\s*(true|yes|on|1)/i.test(value!),
  );
  try {
    inDirectory(workspace, relative(workspace, gitDir), folder => {
      const isAbsent = (name: string) =>
        lstatSync(folder.entry(name), { throwIfNoEntry: false }) === undefined;
      if (isAbsent('hooks')) mkdirSync(folder.entry('hooks'));
      if (hasOwnConfig && isAbsent('config.worktree'))
        writeFileSync(folder.entry('config.worktree'), '', { flag: 'wx' });
    });
  } catch {
    // Not writable to the caller: it is not protected, and new files there are reported at the end.
  }
}

/** Call `use` with a directory below another one. A link in the path is rejected, also one that appears meanwhile. */
function inDirectory<T>(
  root: string | DirectoryHandle,
  path: string,
  use: (folder: DirectoryHandle) => T,
): T {
  const open: DirectoryHandle[] = typeof root === 'string' ? [openDirectory(root)] : [];
  try {
    let folder = typeof root === 'string' ? open[0]! : root;
    for (const name of path.split('/').filter(part => part !== '' && part !== '.')) {
      folder = folder.open(name);
      open.push(folder);
    }
    return use(folder);
  } finally {
    for (const folder of open) folder[Symbol.dispose]();
  }
}

/** Nothing is opened through a link, since another agent may change the workspace at this moment. */
function takeSnapshot(workspace: string, path: string, to: string): boolean {
  const left = { entries: maxEntries, bytes: maxBytes };
  try {
    inDirectory(workspace, dirname(path), folder => copyEntry(folder, basename(path), { to, left }));
    const copied = lstatSync(to);
    // Docker would follow a link at the path of the copy, on the host.
    if (copied.isFile() || copied.isDirectory()) return true;
  } catch {
    // Removed, not readable, or endless: it is not protected.
  }
  rmSync(to, { recursive: true, force: true });
  return false;
}

interface Copy {
  readonly to: string;
  /** The rest of the limits. */
  readonly left: { entries: number; bytes: number };
}

/** Copy a file, a directory or a link unchanged; ignore anything else. */
function copyEntry(folder: DirectoryHandle, name: string, { to, left }: Copy): void {
  if (left.entries-- < 0) throw new Error(`${folder.path} has more than ${maxEntries} entries`);
  const path = folder.entry(name);
  const facts = lstatSync(path);
  if (facts.isSymbolicLink()) symlinkSync(readlinkSync(path), to);
  else if (facts.isFile()) {
    const bytes = readSmallBytes(path, left.bytes);
    if (bytes === null) throw new Error(`${join(folder.path, name)} cannot be read, or is too large`);
    left.bytes -= bytes.length;
    writeFileSync(to, bytes, { flag: 'wx' });
    chmodSync(to, facts.mode & 0o777);
  } else if (facts.isDirectory()) {
    mkdirSync(to);
    inDirectory(folder, name, inner => {
      for (const inside of firstNames(inner, left.entries + 2))
        copyEntry(inner, inside, { to: join(to, inside), left });
    });
    chmodSync(to, (facts.mode & 0o777) | 0o700);
  }
}

function firstNames(folder: DirectoryHandle, count: number): string[] {
  const names: string[] = [];
  const entries = opendirSync(folder.entry(''));
  try {
    for (let entry = entries.readSync(); entry !== null && names.length < count; entry = entries.readSync())
      names.push(entry.name);
  } finally {
    entries.closeSync();
  }
  return names;
}
