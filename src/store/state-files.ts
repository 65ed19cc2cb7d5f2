import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs';
import { basename, dirname, relative, resolve, sep } from 'node:path';
import { type DirectoryHandle, hasProc, openDirectory } from './directory-handle.ts';

/**
 * Files of the state directory. They are opened from a handle on it, component by component, and no symbolic link is
 * followed: neither a renamed directory nor a planted link leads the supervisor elsewhere (I8).
 */

interface Held {
  readonly handle: DirectoryHandle;
  readonly stats: Stats;
}

/** State directories by real path; they stay open for the life of the process. */
const held = new Map<string, Held>();

const {
  O_APPEND,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW = 0,
  O_NONBLOCK = 0,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} = constants;

/** The flags of open(2) by Node's names. */
const flagsOf = {
  r: O_RDONLY,
  'r+': O_RDWR,
  w: O_WRONLY | O_CREAT | O_TRUNC,
  wx: O_WRONLY | O_CREAT | O_EXCL,
  a: O_WRONLY | O_CREAT | O_APPEND,
} as const;

/** Resolve every file below a real path from a handle on it. Throws if the path leads to another directory than before. */
export function holdDirectory(path: string): Stats {
  const handle = openDirectory(path);
  const stats = statSync(handle.entry(''));
  forgetRemoved();
  const before = held.get(path);
  if (before === undefined) held.set(path, { handle, stats });
  else {
    handle[Symbol.dispose]();
    if (before.stats.ino !== stats.ino || before.stats.dev !== stats.dev)
      throw new Error('it was replaced by another directory while this process uses it');
  }
  return stats;
}

/** Close the handles of removed directories, for a process that outlives many. */
function forgetRemoved(): void {
  for (const [path, { handle }] of held)
    if (isRemoved(handle)) {
      handle[Symbol.dispose]();
      held.delete(path);
    }
}

const isRemoved = (handle: DirectoryHandle) =>
  hasProc && readlinkSync(handle.entry('')).endsWith(' (deleted)');

/** Call `use` with a path to a file; the directories above it cannot be replaced meanwhile. */
export function inPlace<T>(file: string, use: (path: string) => T): T {
  const path = resolve(file);
  return inDirectory(dirname(path), folder => use(folder.entry(basename(path))));
}

function inDirectory<T>(path: string, use: (folder: DirectoryHandle) => T): T {
  const open: DirectoryHandle[] = [];
  try {
    const root = rootOf(path);
    let folder = root?.handle ?? openDirectory(path);
    if (root === undefined) open.push(folder);
    else
      for (const name of relative(root.handle.path, path).split(sep).filter(Boolean)) {
        folder = folder.open(name);
        open.push(folder);
      }
    try {
      return use(folder);
    } catch (error) {
      throw restated(error, folder);
    }
  } catch (error) {
    const parent = open.at(-1) ?? rootOf(path)?.handle;
    throw parent === undefined ? error : restated(error, parent);
  } finally {
    for (const folder of open) folder[Symbol.dispose]();
  }
}

const rootOf = (path: string): Held | undefined =>
  [...held.values()].find(({ handle }) => path === handle.path || path.startsWith(`${handle.path}${sep}`));

/** Restate an error of a path below /proc with the path that the user knows, and explain a refused link. */
function restated(error: unknown, folder: DirectoryHandle): unknown {
  const known = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || !known.path?.startsWith('/proc/self/fd/')) return error;
  const shown = (path: string) => path.replace(/^\/proc\/self\/fd\/\d+/, folder.path);
  known.message =
    known.code === 'ELOOP'
      ? `ELOOP: ${shown(known.path)} is a symbolic link, which is never followed there`
      : known.message.replaceAll(/\/proc\/self\/fd\/\d+/g, folder.path);
  known.path = shown(known.path);
  return error;
}

/** Open a regular file; a new one is created with mode 0600. */
export function openFile(file: string, flags: keyof typeof flagsOf): number {
  return inPlace(file, path => {
    // A fifo in place of a file would block the supervisor.
    const fd = openSync(path, flagsOf[flags] | O_NOFOLLOW | O_NONBLOCK, 0o600);
    if (rootOf(resolve(file)) === undefined || fstatSync(fd).isFile()) return fd;
    closeSync(fd);
    throw Object.assign(new Error(`EINVAL: ${file} is not a regular file`), {
      code: 'EINVAL',
      syscall: 'open',
    });
  });
}

export function readFile(file: string): Buffer {
  const fd = openFile(file, 'r');
  try {
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Return the stats of a file, or of the link itself; undefined if it does not exist. */
export function statFile(file: string): Stats | undefined {
  try {
    return inPlace(file, path => lstatSync(path, { throwIfNoEntry: false }));
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

export const isAbsent = (error: unknown) =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

/** Return the names in a directory. */
export const listDirectory = (path: string): string[] =>
  inDirectory(resolve(path), folder => readdirSync(folder.entry('')));

/** Make a directory and its parents, with mode 0700. */
export function makeDirectory(path: string): void {
  if (isDirectory(path)) return;
  if (dirname(path) !== path) makeDirectory(dirname(path));
  try {
    inPlace(path, entry => mkdirSync(entry, { mode: 0o700 }));
  } catch (error) {
    // Another process created it at the same instant.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !isDirectory(path)) throw error;
  }
}

/** Links that lead to the state directory are the user's and are followed; links in it are not. */
const isDirectory = (path: string) =>
  rootOf(path) === undefined
    ? (statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false)
    : (statFile(path)?.isDirectory() ?? false);

/** Remove a file, or a directory with its content; of a link the link itself, never its target. */
export const removeFile = (file: string): void => {
  if (statFile(file)) inPlace(file, path => rmSync(path, { recursive: true, force: true }));
};

export const renameFile = (from: string, to: string): void =>
  inPlace(from, source => inPlace(to, target => renameSync(source, target)));

/**
 * Create or truncate a file and hold it open. `path` leads to it for code that opens paths, such as a child's output. The
 * file is closed on dispose.
 */
export function holdFile(file: string): Disposable & { readonly path: string } {
  makeDirectory(dirname(file));
  const fd = openFile(file, 'w');
  return { path: hasProc ? `/proc/self/fd/${fd}` : file, [Symbol.dispose]: () => closeSync(fd) };
}
