import { formatBytes } from '../spec/units.ts';
import { namesOf } from './entry-name.ts';
import type { Globs } from './glob.ts';
import { readTar, type TarEntry } from './tar-reader.ts';
import { isWritable, tarEnd, tarEntry, type WritableEntry } from './tar-writer.ts';

/** Limits of a tree, which an agent may have made as large as its disk. */
export interface TreeLimits {
  readonly maxBytes: number;
  readonly maxEntries: number;
}

/** A tree is beyond its limits. */
export class TreeTooLargeError extends Error {}

type Source = AsyncIterable<Buffer>;

interface CheckTreeOptions {
  readonly root: string;
  readonly protect: Globs;
  /** Open the protected files of the start, as `protectedTree` returns them. Called twice. */
  readonly start: () => Source;
  readonly limits: TreeLimits;
}

/**
 * Return the tar stream of a tree that a check gets, below `root`: that of the work, with the protected files of the start in place of those
 * that the agent has changed, deleted, added, or replaced by a link.
 *
 * @throws TreeTooLargeError
 */
export async function* checkTree(
  work: Source,
  { root, protect, start, limits }: CheckTreeOptions,
): AsyncGenerator<Buffer, void> {
  const above = await directoriesIn(start());
  const below = (entry: WritableEntry, name: string) => tarEntry({ ...entry, path: `${root}/${name}` });
  const count = counter(limits);
  for await (const [entry, names] of plainEntries(work)) {
    const name = names.join('/');
    if (protect.matches(names)) continue;
    if (entry.type === 'symbolicLink' && protect.mayLeadTo(names)) continue;
    // A file or a link in place of a directory with protected files.
    if (entry.type !== 'directory' && above.has(name)) continue;
    count(entry);
    yield* below(entry, name);
  }
  for await (const [entry, names] of plainEntries(start())) {
    count(entry);
    yield* below(entry, names.join('/'));
  }
  yield tarEnd();
}

/**
 * Return the tar stream of the protected files of a tree, and of the directories above them.
 *
 * @throws TreeTooLargeError
 */
export async function* protectedTree(
  source: Source,
  { protect, limits }: { protect: Globs; limits: TreeLimits },
): AsyncGenerator<Buffer, void> {
  const count = counter(limits);
  /** Directories that are needed only if something in them is protected. */
  const skipped = new Map<string, WritableEntry>();
  for await (const [entry, names] of plainEntries(source)) {
    if (names.length === 0) continue;
    if (!protect.matches(names)) {
      if (entry.type === 'directory') skipped.set(names.join('/'), entry);
      continue;
    }
    for (let depth = 1; depth < names.length; depth++) {
      const name = names.slice(0, depth).join('/');
      const directory = skipped.get(name);
      skipped.delete(name);
      if (directory) yield* tarEntry(directory);
    }
    count(entry);
    yield* tarEntry(entry);
  }
  yield tarEnd();
}

/** Read the files, directories and symbolic links of a tree. The tree's own directory has no names. The rest is left out. */
async function* plainEntries(source: Source): AsyncGenerator<[WritableEntry, readonly string[]], void> {
  for await (const entry of readTar(source)) {
    const names = namesOf(entry.path);
    if (names !== null && (names.length > 0 || entry.type === 'directory') && isWritable(entry))
      yield [entry, names];
  }
}

async function directoriesIn(source: Source): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for await (const [{ type }, names] of plainEntries(source))
    if (type === 'directory') found.add(names.join('/'));
  return found;
}

/** Return a function that counts entries, and throws when they are beyond the limits. */
function counter({ maxBytes, maxEntries }: TreeLimits): (entry: TarEntry) => void {
  let bytes = 0;
  let entries = 0;
  return ({ size }) => {
    bytes += size;
    if (bytes > maxBytes) throw new TreeTooLargeError(`it has more than ${formatBytes(maxBytes)}`);
    if (++entries > maxEntries)
      throw new TreeTooLargeError(`it has more than ${maxEntries} files and directories`);
  };
}
