import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { isWithin } from '../spec/paths.ts';
import { visible } from '../spec/visible.ts';
import { readSmallFile } from './repository.ts';

/** What git executes or follows in a directory, by relative path: its kind, and its content as printable text. */
export type GitState = ReadonlyMap<string, string>;

/** Where the walk through a work tree ends. */
const maxEntries = 200_000;
const maxHooks = 2_000;
const maxDepth = 12;
const maxText = 256 * 1024;
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
  const record = (path: string) => {
    const name = visible(relative(root, path));
    if (found.has(name)) return;
    found.set(name, describe(path));
    const target = linkTarget(path);
    if (target !== null && isWithin(target, root)) recordTree(target, record);
  };
  for await (const path of walk(root)) {
    record(path);
    if (!path.endsWith('/.git')) continue;
    const gitDir = directoryOf(path);
    if (gitDir === null || !isWithin(gitDir, root)) continue;
    readGitDir(gitDir, record);
    const named = [gitDir, ...nestedGitDirs(gitDir)].flatMap(folder => namedIn(folder, dirname(path), root));
    for (const setting of settings) named.push(...existing([resolve(dirname(path), setting)], root));
    for (const file of named) recordTree(file, record);
  }
  return found;
}

/** Names of what was added, removed or changed. */
export function changedGitState(before: GitState, after: GitState): string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names
    .filter(name => before.get(name) !== after.get(name))
    .map(name => `${name}${before.has(name) ? (after.has(name) ? '' : ' (removed)') : ' (new)'}`);
}

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

/** Every `.git`, `.gitattributes` and `.gitmodules`, but for what packages bring. Links are not followed. */
async function* walk(root: string): AsyncGenerator<string> {
  const folders = [root];
  for (
    let seen = 0, folder = folders.pop();
    folder !== undefined && seen < maxEntries;
    folder = folders.pop()
  ) {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      seen++;
      const path = join(folder, entry.name);
      if (['.git', '.gitattributes', '.gitmodules'].includes(entry.name)) yield path;
      else if (entry.isDirectory() && entry.name !== 'node_modules') folders.push(path);
    }
  }
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** The git directory behind a `.git`; of a file, the one that it names. */
function directoryOf(path: string): string | null {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (facts?.isDirectory()) return path;
  const target = facts?.isSymbolicLink()
    ? readlinkSync(path)
    : /^gitdir: ([^\n]+)/.exec(readSmallFile(path) ?? '')?.[1];
  return target === undefined ? null : resolve(dirname(path), target);
}

function readGitDir(gitDir: string, record: (path: string) => void, depth = 0): void {
  for (const name of files)
    if (lstatSync(join(gitDir, name), { throwIfNoEntry: false })) record(join(gitDir, name));
  recordTree(join(gitDir, 'hooks'), record);
  if (depth < maxDepth) for (const nested of childGitDirs(gitDir)) readGitDir(nested, record, depth + 1);
}

/** Those of submodules, whose names may have slashes in them, and of linked work trees. */
function childGitDirs(gitDir: string): string[] {
  const below = (folder: string, depth: number): string[] =>
    entriesOf(folder)
      .filter(entry => entry.isDirectory())
      .flatMap(({ name }) => {
        const path = join(folder, name);
        const isGitDir = lstatSync(join(path, 'HEAD'), { throwIfNoEntry: false }) !== undefined;
        return isGitDir ? [path] : depth < maxDepth ? below(path, depth + 1) : [];
      });
  return [...below(join(gitDir, 'modules'), 0), ...below(join(gitDir, 'worktrees'), 0)];
}

const nestedGitDirs = (gitDir: string, depth = 0): string[] =>
  depth > maxDepth ? [] : childGitDirs(gitDir).flatMap(child => [child, ...nestedGitDirs(child, depth + 1)]);

/** A file, or what is in a directory, two levels deep. */
function recordTree(path: string, record: (path: string) => void, depth = 0): void {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (!facts) return;
  if (!facts.isDirectory()) record(path);
  else if (depth <= 2)
    for (const { name } of entriesOf(path).slice(0, maxHooks))
      recordTree(join(path, name), record, depth + 1);
}

/** What the configuration in a git directory names of the workspace: included files, hooks elsewhere, programs. */
function namedIn(gitDir: string, tree: string, root: string): string[] {
  const named: string[] = [];
  const pending = ['config', 'config.worktree'].map(name => join(gitDir, name));
  for (
    let seen = 0, file = pending.shift();
    file !== undefined && seen < 100;
    file = pending.shift(), seen++
  ) {
    const from = dirname(file);
    for (const [, key, value] of (readSmallFile(file) ?? '').matchAll(/^\s*([A-Za-z][\w-]*)\s*=\s*(.*)$/gm)) {
      const words = value!.split(/[\s"'\\;!=$()|&<>`]+/).filter(Boolean);
      const paths = words.flatMap(word => [
        resolve(tree, word),
        resolve(from, word.replace(/^~\//, `${homedir()}/`)),
      ]);
      const here = existing(paths, root).filter(path => !named.includes(path));
      named.push(...here);
      if (key!.toLowerCase() === 'path') pending.push(...here);
    }
  }
  return named;
}

const existing = (paths: readonly string[], root: string) =>
  paths.filter(path => path !== root && isWithin(path, root) && lstatSync(path, { throwIfNoEntry: false }));

/** Where a link leads to in the end; null where it is none, or leads nowhere. */
function linkTarget(path: string): string | null {
  try {
    return lstatSync(path).isSymbolicLink() ? realpathSync(path) : null;
  } catch {
    return null;
  }
}

function describe(path: string): string {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (!facts) return '  nothing';
  if (facts.isSymbolicLink()) return `  a link to ${visible(readlinkSync(path))}`;
  if (facts.isDirectory()) return '  a directory';
  if (!facts.isFile()) return '  a special file';
  const text = readSmallFile(path, maxText);
  const mode = (facts.mode & 0o777).toString(8);
  if (text === null) return `  a file of ${facts.size} bytes, mode ${mode}`;
  const lines = text.split('\n').map(line => `  ${visible(line)}`);
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return `  a file, mode ${mode}, sha256 ${hash}\n${lines.join('\n')}`;
}
