import { mkdirSync } from 'node:fs';
import { posix } from 'node:path';
import type { Writable } from 'node:stream';
import { extract, Parser, type ReadEntry } from 'tar';
import { formatBytes } from '../spec/units.ts';

/** Of a tar stream that a container has a say in. */
export interface Unpacked {
  /** Bytes of files that were kept. */
  readonly size: number;
  /** What was left out, for people. */
  readonly warnings: readonly string[];
}

export interface UnpackOptions {
  readonly folder: string;
  /** Bytes, of all files together. */
  readonly most: number;
  /** Links that lead no further than the tree itself may stay. */
  readonly keepsLinks?: boolean;
}

/**
 * A sink for a tar stream: files and directories go below `folder`, each below what is there as a directory of ours.
 * Whatever else is in the stream is left out and named.
 */
export function unpacker({ folder, most, keepsLinks = false }: UnpackOptions) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  let size = 0;
  let links = 0;
  let others = 0;
  let tooLarge = 0;
  const problems: string[] = [];
  const sink = extract({
    cwd: folder,
    // Its own owner, mode bits and times are the container's business.
    preserveOwner: false,
    noMtime: true,
    umask: 0o077,
    maxDepth: 256,
    onwarn: (_code, message) => void problems.push(String(message).slice(0, 200)),
    filter(path, found) {
      const entry = found as ReadEntry;
      if (entry.type === 'Directory') return true;
      if (keepsLinks && entry.type === 'SymbolicLink' && staysInside(path, entry.linkpath ?? '')) return true;
      if (entry.type === 'SymbolicLink' || entry.type === 'Link') {
        links++;
        return false;
      }
      if (entry.type !== 'File' && entry.type !== 'OldFile') {
        others++;
        return false;
      }
      if (size + entry.size > most) {
        tooLarge++;
        return false;
      }
      size += entry.size;
      return true;
    },
  });
  const done = (): Unpacked => ({
    size,
    warnings: [
      ...(links > 0 ? [`${links} ${links === 1 ? 'link was' : 'links were'} left out`] : []),
      ...(others > 0 ? [`${others} that are no files were left out`] : []),
      ...(tooLarge > 0
        ? [
            `${tooLarge} ${tooLarge === 1 ? 'file' : 'files'} beyond the limit of ${formatBytes(most)} left out`,
          ]
        : []),
      ...problems.slice(0, 3),
    ],
  });
  return { sink: sink as unknown as Writable, done };
}

function staysInside(path: string, target: string): boolean {
  if (target === '' || target.startsWith('/')) return false;
  const reached = posix.normalize(posix.join(posix.dirname(path), target));
  return reached !== '..' && !reached.startsWith('../');
}

/** What the first entry of a tar stream is, from its first bytes; null where they tell nothing. */
export function firstEntry(bytes: Buffer): { readonly type: string } | null {
  let found: { type: string } | null = null;
  const parser = new Parser({
    onReadEntry(entry) {
      found ??= { type: entry.type };
      entry.resume();
    },
    onwarn: () => {},
  });
  parser.on('error', () => {});
  parser.write(bytes);
  return found;
}
