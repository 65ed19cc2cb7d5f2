import { mkdirSync } from 'node:fs';
import { Duplex, type Writable } from 'node:stream';
import { shorten } from '../spec/escape-control.ts';
import { formatBytes } from '../spec/units.ts';
import { isTooLong, namesOf, pathCounter, printable } from './entry-name.ts';
import { copyHardLinks, type HardLink } from './hard-links.ts';
import { placeLinks, type SymbolicLink } from './symbolic-links.ts';
import { readTar, type TarEntry } from './tar-reader.ts';
import { treeWriter } from './tree-writer.ts';

/** The result of unpacking an untrusted tar stream. */
export interface Unpacked {
  /** Bytes of the files that were written. */
  readonly size: number;
  /** Entries that were left out, as text for people. */
  readonly warnings: readonly string[];
}

export interface UnpackOptions {
  readonly folder: string;
  /** Limit for all files together. */
  readonly maxBytes: number;
  /** Limit for files, directories and links together. */
  readonly maxEntries?: number;
  /** Whether to keep symbolic links that stay within the tree. */
  readonly keepsLinks?: boolean;
}

/**
 * Return a sink for a tar stream, and a function that completes the tree once the stream has ended. An agent may have
 * written the stream byte by byte. While it is read, only files and directories are written, below a directory of ours:
 * there is no link to write through. Everything else is left out and reported.
 */
export function unpacker({ folder, maxBytes, maxEntries = 200_000, keepsLinks = false }: UnpackOptions) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const left = leftOut();
  const paths = pathCounter(maxEntries);
  const symbolicLinks: SymbolicLink[] = [];
  const hardLinks: HardLink[] = [];
  const writer = treeWriter(folder);
  let size = 0;
  const admit = (path: string, bytes: number) => {
    if (size + bytes > maxBytes) {
      left.tooLarge.add(path);
      return false;
    }
    size += bytes;
    return true;
  };

  async function take(entry: TarEntry): Promise<void> {
    const { path, target, mtime } = entry;
    const names = namesOf(path);
    const why = reasonToLeave(entry, names);
    if (names === null || why !== null) return left[why ?? 'outside'].add(path);
    if (!paths.add(names)) return left.tooMany.add(path);
    const name = names.join('/');
    if (entry.type === 'directory') writer.directory(name, entry);
    else if (entry.type === 'hardLink') hardLinks.push({ names, target });
    else if (entry.type === 'symbolicLink') symbolicLinks.push({ names, target, mtime });
    else if (admit(name, entry.size)) await writer.file(name, entry);
  }

  const sink: Writable = Duplex.from(async (source: AsyncIterable<Buffer>) => {
    for await (const entry of readTar(source)) await take(entry);
  });

  const done = async (): Promise<Unpacked> => {
    const { files, links } = resolveHardLinks(hardLinks, symbolicLinks);
    const lost = await copyHardLinks(folder, files, admit);
    const all = [...symbolicLinks, ...links];
    const out = keepsLinks ? await placeLinks(folder, all) : all.map(({ names }) => names.join('/'));
    for (const path of out) left.links.add(path);
    for (const path of lost) left.hardLinks.add(path);
    writer.finish();
    return { size, warnings: [...warningsOf(left, { maxBytes, maxEntries }), ...writer.problems()] };
  };
  return { sink, done };
}

/** Bytes of a link target. */
const maxTargetLength = 1_024;

function reasonToLeave({ type, target }: TarEntry, names: readonly string[] | null): keyof LeftOut | null {
  if (type === 'other') return 'others';
  if (names === null) return 'outside';
  return type === 'nameTooLong' || isTooLong(names) || target.length > maxTargetLength ? 'tooLong' : null;
}

/** An additional name of a symbolic link becomes one more symbolic link. */
function resolveHardLinks(hardLinks: readonly HardLink[], symbolicLinks: readonly SymbolicLink[]) {
  const byPath = new Map(symbolicLinks.map(link => [link.names.join('/'), link]));
  const linkOf = ({ target }: HardLink) => byPath.get(namesOf(target)?.join('/') ?? '');
  return {
    files: hardLinks.filter(link => linkOf(link) === undefined),
    links: hardLinks.flatMap(link => {
      const found = linkOf(link);
      return found === undefined ? [] : [{ ...found, names: link.names }];
    }),
  };
}

const maxNamed = 10;

/** Count paths, and keep the names of the first ones. */
class Tally {
  count = 0;
  readonly #names: string[] = [];

  add(path: string): void {
    if (++this.count <= maxNamed) this.#names.push(shorten(printable(path), 100));
  }

  toString(): string {
    const more = this.count > maxNamed ? `, and ${this.count - maxNamed} more` : '';
    return `${this.#names.join(', ')}${more}`;
  }
}

const leftOut = () => ({
  links: new Tally(),
  others: new Tally(),
  outside: new Tally(),
  tooLong: new Tally(),
  tooLarge: new Tally(),
  tooMany: new Tally(),
  hardLinks: new Tally(),
});
type LeftOut = ReturnType<typeof leftOut>;

function warningsOf(
  left: LeftOut,
  { maxBytes, maxEntries }: { maxBytes: number; maxEntries: number },
): string[] {
  const counted = (paths: Tally, one: string, many: string) =>
    paths.count > 0 ? [`${paths.count} ${paths.count === 1 ? one : many}: ${paths}`] : [];
  return [
    ...counted(left.links, 'link was left out', 'links were left out'),
    ...counted(left.others, 'special file was left out', 'special files were left out'),
    ...counted(left.outside, 'entry whose name leads out left out', 'entries whose names lead out left out'),
    ...counted(
      left.tooLong,
      'entry whose name is too long or too deep left out',
      'entries whose names are too long or too deep left out',
    ),
    ...counted(
      left.tooLarge,
      `file beyond the limit of ${formatBytes(maxBytes)} left out`,
      `files beyond the limit of ${formatBytes(maxBytes)} left out`,
    ),
    ...counted(
      left.tooMany,
      `entry beyond the limit of ${maxEntries} left out`,
      `entries beyond the limit of ${maxEntries} left out`,
    ),
    ...counted(
      left.hardLinks,
      'hard link to a file that did not come with it left out',
      'hard links to files that did not come with them left out',
    ),
  ];
}
