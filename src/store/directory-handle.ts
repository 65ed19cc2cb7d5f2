import { closeSync, constants, existsSync, lstatSync, openSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A directory that stays the same one, whatever is renamed or linked above it. Node has no openat(2), but Linux resolves
 * `/proc/self/fd/<fd>/name` from the open directory. Elsewhere each use compares the path with what it was.
 */
export interface DirectoryHandle extends Disposable {
  readonly path: string;
  /** Return the path of an entry; it is valid until the handle is disposed. An empty name is the directory itself. */
  entry(name: string): string;
  /** Open a directory in it. A symbolic link is refused. */
  open(name: string): DirectoryHandle;
}

/** From `fcntl.h`; Node does not export it. Such a handle needs no right to list the directory. */
const O_PATH = 0o10000000;
const { O_DIRECTORY = 0, O_NOFOLLOW = 0 } = constants;

/** Whether `/proc/self/fd/<fd>` leads to what an open descriptor stands for. */
export const hasProc = process.platform === 'linux' && existsSync('/proc/self/fd');

/** Open a directory, links in its path followed. */
export const openDirectory = (path: string): DirectoryHandle => directory(path, path, false, hasProc);

/** As `openDirectory`, by comparison: for systems without /proc. */
export const watchDirectory = (path: string): DirectoryHandle => directory(path, path, false, false);

function directory(path: string, reachedBy: string, isFixed: boolean, byHandle: boolean): DirectoryHandle {
  const fd = byHandle ? openSync(reachedBy, O_PATH | O_DIRECTORY | (isFixed ? O_NOFOLLOW : 0)) : null;
  const place = fd === null ? comparedPlace(path, isFixed) : () => `/proc/self/fd/${fd}`;
  const entry = (name: string) => (name === '' ? place() : `${place()}/${plain(name)}`);
  return {
    path,
    entry,
    open: name => directory(join(path, name), entry(name), true, byHandle),
    [Symbol.dispose]: () => {
      if (fd !== null) closeSync(fd);
    },
  };
}

function comparedPlace(path: string, isFixed: boolean): () => string {
  const before = lstatSync(isFixed ? path : `${path}/`);
  if (!before.isDirectory()) throw notDirectory(path);
  return () => {
    const now = lstatSync(isFixed ? path : `${path}/`);
    if (now.ino !== before.ino || now.dev !== before.dev) throw notDirectory(path);
    return path;
  };
}

function plain(name: string): string {
  if (name === '.' || name === '..' || /[/\0]/.test(name)) throw notDirectory(name);
  return name;
}

const notDirectory = (path: string) =>
  Object.assign(new Error(`ENOTDIR: ${path} is not the directory that it was`), {
    code: 'ENOTDIR',
    syscall: 'open',
  });
