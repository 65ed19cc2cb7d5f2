import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, relative, resolve, sep } from 'node:path';
import { isWithin } from '../../spec/paths.ts';
import { type DirectoryHandle, openDirectory } from '../../store/directory-handle.ts';

/**
 * A file for the user in a directory that agents may write to. The directory is opened before any of them starts; a link
 * that is put in the place of the file later is replaced by it, or refused, and never followed.
 */
export interface ReportFile {
  /** Replace what is there by this. */
  write(content: string): void;
  /** Replace what is there by an empty file, and return its descriptor. */
  open(): number;
  /** Append what `content` makes of the size so far. */
  append(content: (size: number) => string): void;
}

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_WRONLY } = constants;

/** Return whether the path is a standard stream, or a descriptor of a process: no agent writes there. */
export const isKernels = (file: string) =>
  /^\/dev\/(stdin|stdout|stderr|null|full|tty|fd\/\d+)$|^\/proc\/(self|\d+)\/fd\/\d+$/.test(resolve(file));

/** `top` is where agents mostly work: below it no link is followed, for an agent of an earlier run may have left it. */
export function reportFile(file: string, top = process.cwd()): ReportFile {
  const path = resolve(file);
  if (isKernels(path)) return streamFile(path, 0);
  const directory = openBelow(dirname(path), top);
  const entry = () => directory.entry(basename(path));
  const before = lstatSync(entry(), { throwIfNoEntry: false });
  // For instance a named pipe with a reader.
  if (before && !before.isFile() && !before.isSymbolicLink() && !before.isDirectory())
    return streamFile(entry(), O_NOFOLLOW, true);
  const open = () => {
    const aside = directory.entry(`.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
    const fd = openSync(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666);
    // A report that was kept from others stays so.
    if (before?.isFile()) fchmodSync(fd, before.mode & 0o777);
    const drop = () => {
      closeSync(fd);
      rmSync(aside, { force: true });
    };
    return { fd, drop, keep: () => renameSync(aside, entry()) };
  };
  return {
    write(content) {
      const { fd, keep, drop } = open();
      try {
        writeFileSync(fd, content);
        keep();
      } finally {
        drop();
      }
    },
    open() {
      const { fd, keep, drop } = open();
      try {
        probe(fd);
        keep();
        return fd;
      } catch (error) {
        drop();
        throw error;
      }
    },
    append(content) {
      const fd = openSync(entry(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o666);
      try {
        writeFileSync(fd, content(fstatSync(fd).size));
      } finally {
        closeSync(fd);
      }
    },
  };
}

function openBelow(folder: string, top: string): DirectoryHandle {
  if (!isWithin(folder, top)) return openDirectory(folder);
  let handle = openDirectory(top);
  for (const name of relative(top, folder).split(sep).filter(Boolean)) {
    if (lstatSync(handle.entry(name)).isSymbolicLink())
      throw new Error(`${handle.path}${sep}${name} is a symbolic link. Name the directory that it leads to`);
    const parent = handle;
    handle = parent.open(name);
    parent[Symbol.dispose]();
  }
  return handle;
}

/** A full disk lets a file be made, and shows at its first byte. */
function probe(fd: number): void {
  writeSync(fd, '\n', 0);
  ftruncateSync(fd, 0);
}

/** A device or pipe cannot be replaced; it is written to directly. */
function streamFile(path: string, flags: number, mayBePlanted = false): ReportFile {
  const open = () => {
    // Held until the other one is open: a reader that sees its only writer close has reached the end.
    const probe = mayBePlanted ? openForReader(path, flags) : null;
    try {
      return openSync(path, O_WRONLY | flags);
    } finally {
      if (probe !== null) closeSync(probe);
    }
  };
  const write = (content: string) => {
    const fd = open();
    try {
      writeFileSync(fd, content);
    } finally {
      closeSync(fd);
    }
  };
  return { open, write, append: content => write(content(0)) };
}

/** A pipe without a reader, such as one that an agent has left there, would block this process for ever. */
function openForReader(path: string, flags: number): number {
  for (let tries = 1; ; tries++) {
    try {
      return openSync(path, O_WRONLY | O_NONBLOCK | flags);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO' || tries === 20) throw error;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  }
}
