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
import { pauseSync } from '../../async/pause-sync.ts';
import { isWithin } from '../../spec/paths.ts';
import { type DirectoryHandle, openDirectory } from '../../store/directory-handle.ts';

/**
 * A file for the user in a directory that agents may write to. The directory is opened before any agent starts. A link that
 * an agent puts in the place of the file is replaced or refused, and never followed.
 */
export interface ReportFile {
  /** Replace the file by this content. */
  write(content: string): void;
  /** Replace the file by an empty one, and return its descriptor. */
  open(): number;
  /** Append what `content` returns for the current size. */
  append(content: (size: number) => string): void;
}

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_WRONLY } = constants;

/** Return whether the path is a standard stream or a descriptor of a process, where no agent can put a link. */
export const isKernels = (file: string) =>
  /^\/dev\/(stdin|stdout|stderr|null|full|tty|fd\/\d+)$|^\/proc\/(self|\d+)\/fd\/\d+$/.test(resolve(file));

/** Open a report file. Below `top`, where agents commonly work, no link is followed: an agent may have left it. */
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
    // Keep the mode of an existing report, which may be private.
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
      throw new Error(`${handle.path}${sep}${name} is a symbolic link. Name its target directory`);
    const parent = handle;
    handle = parent.open(name);
    parent[Symbol.dispose]();
  }
  return handle;
}

/** Fail early on a full disk, which lets a file be created and fails at its first byte. */
function probe(fd: number): void {
  writeSync(fd, '\n', 0);
  ftruncateSync(fd, 0);
}

/** Write to a device or pipe directly: it cannot be replaced. */
function streamFile(path: string, flags: number, mayBePlanted = false): ReportFile {
  const open = () => {
    // Close the probe after opening the file: a reader whose only writer closes has reached the end.
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

/** Open a pipe without blocking, which one without a reader would do for ever: an agent may have left it there. */
function openForReader(path: string, flags: number): number {
  for (let tries = 1; ; tries++) {
    try {
      return openSync(path, O_WRONLY | O_NONBLOCK | flags);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO' || tries === 20) throw error;
    }
    pauseSync(50);
  }
}
