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
 * Write files and directories of an untrusted tree below `root`, which contains no symbolic link meanwhile. An entry that
 * cannot be written is reported and skipped. The caller owns everything; setuid, setgid and sticky bits are dropped.
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
        // The reader reports a stream that ends early; the part that arrived is kept.
        if (!('syscall' in (error as Error))) throw error;
        report(path, error as Error);
        removeFile(target);
      }
    },
    /** Set modes and times of directories, once they are complete. */
    finish(): void {
      for (const [path, { mode, mtime }] of directories) {
        if (path === '') continue;
        const target = pathBelow(root, path);
        attempt(path, () => chmodSync(target, (mode & 0o777) | 0o700));
        setTime(() => utimesSync(target, mtime, mtime));
      }
    },
    /** Return what could not be written, as text for people. */
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
 * Write chunks of zeros as holes: a sparse file arrives with all of its zeros. Calls are synchronous, since there are many
 * small files; a chunk is at most the buffer of a pipe.
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
    // The file system does not support this time.
  }
}

function removeFile(path: Buffer): void {
  try {
    if (lstatSync(path).isFile()) unlinkSync(path);
  } catch {
    // It does not exist, or cannot be removed.
  }
}
