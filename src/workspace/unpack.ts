import { mkdirSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { extract, Parser, type ReadEntry } from 'tar';
import { formatBytes } from '../spec/units.ts';
import { visible } from '../spec/visible.ts';
import { isTooLong, namesOf, pathCounter } from './entry-name.ts';
import { copyHardLinks, type HardLink } from './hard-links.ts';
import { placeLinks, type SymbolicLink } from './symbolic-links.ts';

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
  /** Files, directories and links, of all together. */
  readonly mostEntries?: number;
  /** Symbolic links that lead no further than the tree itself may stay. */
  readonly keepsLinks?: boolean;
}

/**
 * Return a sink for a tar stream, and what completes the tree once the stream has ended. An agent may have written the
 * stream byte by byte. While it is read, only files and directories are written, each below a directory of ours: there
 * is no link to write through. Everything else is left out and reported.
 */
export function unpacker({ folder, most, mostEntries = 200_000, keepsLinks = false }: UnpackOptions) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const left = { links: 0, others: 0, tooLarge: 0, tooMany: 0, tooLong: 0, outside: 0 };
  const paths = pathCounter(mostEntries);
  const symbolicLinks: SymbolicLink[] = [];
  const hardLinks: HardLink[] = [];
  const problems: string[] = [];
  let size = 0;
  const leaveOut = (why: keyof typeof left) => {
    left[why]++;
    return false;
  };
  const admit = (bytes: number) => {
    if (size + bytes > most) return leaveOut('tooLarge');
    size += bytes;
    return true;
  };

  const sink = extract({
    cwd: folder,
    // Its owner and times are the container's business.
    preserveOwner: false,
    noMtime: true,
    onwarn: (_code, message) => {
      if (problems.length < mostTold) problems.push(visible(String(message)).slice(0, 200));
    },
    filter(path, found) {
      const entry = found as ReadEntry;
      const { type, linkpath: target = '' } = entry;
      if (!handled.has(type)) return leaveOut('others');
      const names = namesOf(path);
      if (names === null) return leaveOut('outside');
      if (isTooLong(names) || target.length > longestTarget) return leaveOut('tooLong');
      if (!paths.add(names)) return leaveOut('tooMany');
      entry.mode = plainMode(entry.mode);
      if (type === 'Directory') return true;
      if (type === 'Link') hardLinks.push({ names, target });
      else if (type !== 'SymbolicLink') return admit(entry.size);
      else if (keepsLinks) symbolicLinks.push({ names, target });
      else left.links++;
      return false;
    },
  });
  // The filter is not asked about types that tar does not know, such as sparse files, and names that are too long for it.
  sink.on('ignoredEntry', ({ type, meta }: ReadEntry) => {
    if (meta) left.tooLong++;
    else if (!seen.has(type)) left.others++;
  });

  const done = async (): Promise<Unpacked> => {
    const lost = await copyHardLinks(folder, hardLinks, admit);
    left.links += await placeLinks(folder, symbolicLinks);
    const warnings = [...warningsOf(left, { most, mostEntries }), ...hardLinkWarnings(lost), ...problems];
    return { size, warnings };
  };
  return { sink: sink as unknown as Writable, done };
}

const handled: ReadonlySet<string> = new Set(['File', 'OldFile', 'Directory', 'SymbolicLink', 'Link']);
/** Of these the filter is asked. */
const seen: ReadonlySet<string> = new Set([
  ...handled,
  'CharacterDevice',
  'BlockDevice',
  'FIFO',
  'ContiguousFile',
  'GNUDumpDir',
]);
const longestTarget = 1_024;
const mostTold = 3;

/** Without setuid, setgid and sticky bits, and its owner can read and remove it. */
const plainMode = (mode: number | undefined) => (Number(mode ?? 0) & 0o777) | 0o600;

type LeftOut = Record<'links' | 'others' | 'tooLarge' | 'tooMany' | 'tooLong' | 'outside', number>;

function warningsOf(left: LeftOut, { most, mostEntries }: { most: number; mostEntries: number }): string[] {
  const counted = (count: number, one: string, many: string) =>
    count > 0 ? [`${count} ${count === 1 ? one : many}`] : [];
  return [
    ...counted(left.links, 'link was left out', 'links were left out'),
    ...counted(left.others, 'that is no file was left out', 'that are no files were left out'),
    ...counted(left.outside, 'entry whose name leads out left out', 'entries whose names lead out left out'),
    ...counted(
      left.tooLong,
      'entry whose name is too long or too deep left out',
      'entries whose names are too long or too deep left out',
    ),
    ...counted(
      left.tooLarge,
      `file beyond the limit of ${formatBytes(most)} left out`,
      `files beyond the limit of ${formatBytes(most)} left out`,
    ),
    ...counted(
      left.tooMany,
      `entry beyond the limit of ${mostEntries} left out`,
      `entries beyond the limit of ${mostEntries} left out`,
    ),
  ];
}

function hardLinkWarnings(lost: readonly string[]): string[] {
  if (lost.length === 0) return [];
  const names = lost.slice(0, mostTold).map(name => visible(name).slice(0, 100));
  const more = lost.length > mostTold ? `, and ${lost.length - mostTold} more` : '';
  return [`hard links to files that did not come with them left out: ${names.join(', ')}${more}`];
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
