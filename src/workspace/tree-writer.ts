import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  ftruncateSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { shorten } from '../spec/escape-control.ts';
import { pathBelow, printable } from './entry-name.ts';
import type { TarEntry } from './tar-reader.ts';

const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
const maxProblems = 10;

/**
 * Write files and directories of an untrusted tree below `root`, which holds no symbolic link meanwhile. One that cannot
 * be written costs itself. Owners are the caller; setuid, setgid and sticky bits are dropped.
 */
export function treeWriter(root: string) {
  const directories = new Map<string, Pick<TarEntry, 'mode' | 'mtime'>>();
  const problems: string[] = [];
  let failed = 0;

  function attempt(path: string, write: () => void): boolean {
    try {
      write();
      return true;
    } catch (error) {
      report(path, error as Error);
      return false;
    }
  }
  function report(path: string, error: Error): void {
    if (++failed > maxProblems) return;
    const [why] = error.message.split(',', 1);
    problems.push(`${shorten(printable(path), 100)} could not be written: ${why}`);
  }
  const makeDirectory = (path: string) => mkdirSync(pathBelow(root, path), { recursive: true, mode: 0o700 });

  return {
    directory(path: string, { mode, mtime }: TarEntry): void {
      if (attempt(path, () => makeDirectory(path))) directories.set(path, { mode, mtime });
    },
    async file(path: string, entry: TarEntry): Promise<void> {
      const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
      if (!attempt(path, () => makeDirectory(parent))) return;
      const target = pathBelow(root, path);
      try {
        await writeFile(target, entry);
      } catch (error) {
        // Of a stream that ends early what there is stays: its reader reports it.
        if (!('syscall' in (error as Error))) throw error;
        report(path, error as Error);
        removeFile(target);
      }
    },
    /** Set modes and times of directories, once everything is in them. */
    finish(): void {
      for (const [path, { mode, mtime }] of directories) {
        if (path === '') continue;
        const target = pathBelow(root, path);
        attempt(path, () => chmodSync(target, (mode & 0o777) | 0o700));
        setTime(() => utimesSync(target, mtime, mtime));
      }
    },
    /** What could not be written, for people. */
    problems: (): readonly string[] =>
      failed > maxProblems ? [...problems, `${failed - maxProblems} more could not be written`] : problems,
  };
}

const zeros = Buffer.alloc(2 ** 16);
const isZero = (bytes: Buffer) =>
  bytes.length <= zeros.length && bytes.equals(zeros.subarray(0, bytes.length));

async function writeFile(path: Buffer, entry: TarEntry): Promise<void> {
  const fd = openSync(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  try {
    await writeContent(fd, entry);
  } finally {
    closeSync(fd);
  }
}

/**
 * Chunks of zeros become holes: a sparse file arrives with all of them. Calls are synchronous, as there are many small
 * files; a chunk is what a pipe holds.
 */
async function writeContent(fd: number, { content, mode, mtime }: TarEntry): Promise<void> {
  let size = 0;
  let written = 0;
  for await (const part of content) {
    if (!isZero(part)) {
      for (let at = 0; at < part.length; ) at += writeSync(fd, part, at, part.length - at, size + at);
      written = size + part.length;
    }
    size += part.length;
  }
  if (written < size) ftruncateSync(fd, size);
  fchmodSync(fd, (mode & 0o777) | 0o400);
  setTime(() => futimesSync(fd, mtime, mtime));
}

function setTime(set: () => void): void {
  try {
    set();
  } catch {
    // A time that the file system cannot keep.
  }
}

function removeFile(path: Buffer): void {
  try {
    if (lstatSync(path).isFile()) unlinkSync(path);
  } catch {
    // It is not there, or cannot be removed.
  }
}
