import { closeSync, constants, existsSync, lstatSync, openSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A directory that stays the same one, whatever is renamed or linked above it (I8). Node has no openat(2), but Linux
 * resolves `/proc/self/fd/<fd>/name` from the open directory. On other systems each use compares inode and device with those
 * at the start.
 */
export interface DirectoryHandle extends Disposable {
  readonly path: string;
  /** Return the path of an entry, valid until the handle is disposed. An empty name is the directory itself. */
  entry(name: string): string;
  /** Open a subdirectory. Throws for a symbolic link. */
  open(name: string): DirectoryHandle;
}

/** From `fcntl.h`; Node does not export it. Such a handle needs no read permission on the directory. */
const O_PATH = 0o10000000;
const { O_DIRECTORY = 0, O_NOFOLLOW = 0 } = constants;

/** True if `/proc/self/fd/<fd>` resolves to the file of an open descriptor. */
export const hasProc = process.platform === 'linux' && existsSync('/proc/self/fd');

/** Open a directory; links in its path are followed. */
export const openDirectory = (path: string): DirectoryHandle => directory(path, path, false, hasProc);

/** Open a directory on a system without /proc: each use compares it with the directory that was opened. */
export const watchDirectory = (path: string): DirectoryHandle => directory(path, path, false, false);

function directory(path: string, reachedBy: string, isFixed: boolean, byHandle: boolean): DirectoryHandle {
  const fd = byHandle ? openSync(reachedBy, O_PATH | O_DIRECTORY | (isFixed ? O_NOFOLLOW : 0)) : null;
  const base = fd === null ? comparedPath(path, isFixed) : () => `/proc/self/fd/${fd}`;
  const entry = (name: string) => (name === '' ? base() : `${base()}/${checkedName(name)}`);
  return {
    path,
    entry,
    open: name => directory(join(path, name), entry(name), true, byHandle),
    [Symbol.dispose]: () => {
      if (fd !== null) closeSync(fd);
    },
  };
}

function comparedPath(path: string, isFixed: boolean): () => string {
  const before = lstatSync(isFixed ? path : `${path}/`);
  if (!before.isDirectory()) throw notDirectory(path);
  return () => {
    const now = lstatSync(isFixed ? path : `${path}/`);
    if (now.ino !== before.ino || now.dev !== before.dev) throw notDirectory(path);
    return path;
  };
}

function checkedName(name: string): string {
  if (name === '.' || name === '..' || /[/\0]/.test(name)) throw notDirectory(name);
  return name;
}

const notDirectory = (path: string) =>
  Object.assign(new Error(`ENOTDIR: ${path} is not the directory that it was`), {
    code: 'ENOTDIR',
    syscall: 'open',
  });
