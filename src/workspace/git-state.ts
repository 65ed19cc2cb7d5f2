import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { isWithin } from '../spec/paths.ts';
import { printable } from './entry-name.ts';
import { parseGitConfig, readSmallBytes } from './repository.ts';

// Paths in here have a character for each byte, see `entry-name.ts`: git reads a repository below any name.

/** What git executes or follows in a directory, by relative path: its kind, and its content as printable text. */
export type GitState = ReadonlyMap<string, string>;

/** Where the walk through a work tree ends. */
const maxEntries = 200_000;
const maxHooks = 2_000;
const maxDepth = 12;
const maxText = 256 * 1024;
/** Characters of content that are kept, and that are read, of all files together; in between there are hashes. */
const maxContent = 8 * 2 ** 20;
const maxRead = 64 * 2 ** 20;
/** Files looked at, and paths that configuration may name, of all together: the engine waits meanwhile. */
const maxSteps = 100_000;
/** Name of an entry that says so. */
const incomplete = '(more than is compared)';

/** Thrown where a directory has more of it than is looked through. */
class TooMuch extends Error {}
const files = [
  'config',
  'config.worktree',
  'commondir',
  'gitdir',
  'info/attributes',
  'info/grafts',
  'objects/info/alternates',
];

/**
 * Read what git, run by the user, would execute or follow in a directory that agents work in: every `.git` in it, with
 * its configuration, hooks and attributes, those of submodules and linked work trees, and the files of the directory
 * that configuration names. Git is not run. `settings` are values of the user's own configuration, such as a relative
 * `core.hooksPath`.
 */
export async function gitState(root: string, settings: readonly string[] = []): Promise<GitState> {
  const found = new Map<string, string>();
  try {
    await readState(toByteString(root), settings.map(toByteString), found);
  } catch (error) {
    if (!(error instanceof TooMuch)) throw error;
    found.set(incomplete, '  an agent may have hidden something in it');
  }
  return found;
}

const toByteString = (text: string) => Buffer.from(text).toString('latin1');
const toPath = (bytes: string) => Buffer.from(bytes, 'latin1');
const readText = (path: string, limit = 2 ** 20) =>
  readSmallBytes(toPath(path), limit)?.toString('latin1') ?? null;

async function readState(root: string, settings: readonly string[], found: Map<string, string>) {
  let steps = 0;
  let content = 0;
  const look: Look = {
    spend() {
      if (++steps > maxSteps) throw new TooMuch();
    },
    record(path) {
      look.spend();
      // A backslash of its own is doubled, so that no name looks like another one whose bytes are spelt out.
      const name = printable(relative(root, path).replaceAll('\\', '\\\\'));
      if (found.has(name)) return;
      const text = readText(path, maxText);
      content += (text?.length ?? 0) + name.length;
      if (content > maxRead) throw new TooMuch();
      found.set(name, describe(path, text, content <= maxContent));
      const target = linkTarget(path);
      if (target !== null && isWithin(target, root)) recordTree(target, look);
    },
  };
  for await (const path of walk(root)) {
    look.record(path);
    if (!path.endsWith('/.git')) continue;
    const gitDir = directoryOf(path);
    if (gitDir === null || !isWithin(gitDir, root)) continue;
    readGitDir(gitDir, look);
    const named = new Set<string>();
    for (const folder of [gitDir, ...nestedGitDirs(gitDir, look)])
      for (const file of namedIn(folder, { tree: dirname(path), root, look })) named.add(file);
    for (const setting of settings)
      for (const file of existing([resolve(dirname(path), setting)], root, look)) named.add(file);
    for (const file of named) recordTree(file, look);
  }
}

interface Look {
  /** Called for each file that is looked at. */
  readonly spend: () => void;
  readonly record: (path: string) => void;
}

/** Names of what was added, removed or changed. */
export function changedGitState(before: GitState, after: GitState): string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names
    .filter(name => summaryOf(before.get(name)) !== summaryOf(after.get(name)))
    .map(name => `${name}${before.has(name) ? (after.has(name) ? '' : ' (removed)') : ' (new)'}`);
}

/** Its first line; the content below it may be left out of one of two states. */
const summaryOf = (what: string | undefined) => what?.split('\n', 1)[0];

/** As one text, in which two states can be compared. */
export const printGitState = (state: GitState) =>
  [...state]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, what]) => `== ${name}\n${what}\n`)
    .join('');

/** What `printGitState` has printed; lines of content are indented there. */
export const parseGitState = (text: string): GitState =>
  new Map(
    text
      .split(/^== /m)
      .slice(1)
      .map(entry => [entry.slice(0, entry.indexOf('\n')), entry.slice(entry.indexOf('\n') + 1, -1)]),
  );

const byName = { withFileTypes: true, encoding: 'latin1' } as const;

/** Every `.git`, `.gitattributes` and `.gitmodules`, but for what packages bring. Links are not followed. */
async function* walk(root: string): AsyncGenerator<string> {
  const folders = [root];
  let seen = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await readdir(toPath(folder), byName).catch(() => [])) {
      if (++seen > maxEntries) throw new TooMuch();
      const path = join(folder, entry.name);
      if (['.git', '.gitattributes', '.gitmodules'].includes(entry.name)) yield path;
      else if (entry.isDirectory() && entry.name !== 'node_modules') folders.push(path);
    }
  }
}

function entriesOf(folder: string) {
  try {
    return readdirSync(toPath(folder), byName);
  } catch {
    return [];
  }
}

/** The git directory behind a `.git`; of a file, the one that it names. */
function directoryOf(path: string): string | null {
  const facts = statOf(path);
  if (facts?.isDirectory()) return path;
  const target = facts?.isSymbolicLink()
    ? readlinkSync(toPath(path), 'latin1')
    : /^gitdir: ([^\n]+)/.exec(readText(path) ?? '')?.[1];
  return target === undefined ? null : resolve(dirname(path), target);
}

function readGitDir(gitDir: string, look: Look, depth = 0): void {
  for (const name of files) if (statOf(join(gitDir, name))) look.record(join(gitDir, name));
  recordTree(join(gitDir, 'hooks'), look);
  if (depth < maxDepth) for (const nested of childGitDirs(gitDir, look)) readGitDir(nested, look, depth + 1);
}

/** Those of submodules, whose names may have slashes in them, and of linked work trees. */
function childGitDirs(gitDir: string, { spend, record }: Look): string[] {
  const below = (folder: string, depth: number): string[] =>
    entriesOf(folder)
      .filter(entry => entry.isDirectory())
      .flatMap(({ name }) => {
        spend();
        const path = join(folder, name);
        if (isClosed(path)) record(path);
        const isGitDir = statOf(join(path, 'HEAD')) !== undefined;
        return isGitDir ? [path] : depth < maxDepth ? below(path, depth + 1) : [];
      });
  return [...below(join(gitDir, 'modules'), 0), ...below(join(gitDir, 'worktrees'), 0)];
}

const nestedGitDirs = (gitDir: string, look: Look, depth = 0): string[] =>
  depth > maxDepth
    ? []
    : childGitDirs(gitDir, look).flatMap(child => [child, ...nestedGitDirs(child, look, depth + 1)]);

/** A file, or what is in a directory, two levels deep. */
function recordTree(path: string, look: Look, depth = 0): void {
  look.spend();
  const facts = statOf(path);
  if (!facts) return;
  if (!facts.isDirectory()) look.record(path);
  else if (depth <= 2)
    for (const { name } of entriesOf(path).slice(0, maxHooks)) recordTree(join(path, name), look, depth + 1);
}

/** What the configuration in a git directory names of the workspace: included files, hooks elsewhere, programs. */
function namedIn(
  gitDir: string,
  { tree, root, look }: { readonly tree: string; readonly root: string; readonly look: Look },
): ReadonlySet<string> {
  const named = new Set<string>();
  const pending = ['config', 'config.worktree'].map(name => join(gitDir, name));
  for (
    let seen = 0, file = pending.shift();
    file !== undefined && seen < 100;
    file = pending.shift(), seen++
  ) {
    const from = dirname(file);
    for (const [, key, value] of parseGitConfig(readText(file) ?? '')) {
      const words = value!.split(/[\s"'\\;!=$()|&<>`]+/).filter(Boolean);
      const paths = words.flatMap(word => [
        resolve(tree, word),
        resolve(from, word.replace(/^~\//, `${toByteString(homedir())}/`)),
      ]);
      for (const path of existing(paths, root, look)) {
        if (named.has(path)) continue;
        named.add(path);
        if (key!.toLowerCase() === 'path') pending.push(path);
      }
    }
  }
  return named;
}

const existing = (paths: readonly string[], root: string, { spend }: Look) =>
  paths.filter(path => {
    spend();
    return path !== root && isWithin(path, root) && statOf(path);
  });

/** Where a link leads to in the end; null where it is none, or leads nowhere. */
function linkTarget(path: string): string | null {
  try {
    return lstatSync(toPath(path)).isSymbolicLink() ? realpathSync(toPath(path), 'latin1') : null;
  } catch {
    return null;
  }
}

/** Whether the caller cannot read a directory: an agent may have made it so, to hide what is in it. */
function isClosed(path: string): boolean {
  try {
    readdirSync(toPath(path));
    return false;
  } catch {
    return true;
  }
}

/** Of what lies in a directory that is closed to the caller nothing can be known; the directory itself is recorded. */
function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(toPath(path), { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function describe(path: string, text: string | null, isWhole: boolean): string {
  const facts = statOf(path);
  if (!facts) return '  nothing';
  if (facts.isSymbolicLink()) return `  a link to ${printable(readlinkSync(toPath(path), 'latin1'))}`;
  if (facts.isDirectory()) return isClosed(path) ? '  a directory that cannot be read' : '  a directory';
  if (!facts.isFile()) return '  a special file';
  const mode = (facts.mode & 0o777).toString(8);
  if (text === null) return `  a file of ${facts.size} bytes, mode ${mode}`;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const summary = `  a file, mode ${mode}, sha256 ${hash}`;
  if (!isWhole) return summary;
  const lines = text.split('\n').map(line => `  ${printable(line)}`);
  return `${summary}\n${lines.join('\n')}`;
}
