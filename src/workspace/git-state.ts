import { dirname, join, relative, resolve } from 'node:path';
import { isWithin } from '../spec/paths.ts';
import { entriesIn, linkTarget, readBytes, toByteString } from './byte-files.ts';
import { printable } from './entry-name.ts';
import {
  configuredPaths,
  existingPaths,
  type GitVisitor,
  gitDirOf,
  nestedGitDirs,
  recordGitDir,
  recordTree,
} from './git-directories.ts';
import { describeEntry, type GitState } from './git-state-text.ts';

const maxEntries = 200_000;
const maxText = 256 * 1024;
/** Characters of content that are kept, and that are read, of all files together; in between only hashes are kept. */
const maxContent = 8 * 2 ** 20;
const maxRead = 64 * 2 ** 20;
/** Files that are examined, and paths that configuration may name, together: the engine is blocked meanwhile. */
const maxSteps = 100_000;
/** Name of the entry that is added beyond a limit. */
const incomplete = '(more than is compared)';

class LimitError extends Error {}

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
    if (!(error instanceof LimitError)) throw error;
    found.set(incomplete, '  an agent may have hidden something in it');
  }
  return found;
}

async function readState(root: string, settings: readonly string[], found: Map<string, string>) {
  const visitor = recorder(root, found);
  for await (const path of gitFilesBelow(root)) {
    visitor.record(path);
    if (!path.endsWith('/.git')) continue;
    const gitDir = gitDirOf(path);
    if (gitDir === null || !isWithin(gitDir, root)) continue;
    recordGitDir(gitDir, visitor);
    const tree = dirname(path);
    const named = new Set<string>();
    for (const folder of [gitDir, ...nestedGitDirs(gitDir, visitor)])
      for (const file of configuredPaths(folder, { tree, root, visitor })) named.add(file);
    for (const setting of settings)
      for (const file of existingPaths([resolve(tree, setting)], root, visitor)) named.add(file);
    for (const file of named) recordTree(file, visitor);
  }
}

function recorder(root: string, found: Map<string, string>): GitVisitor {
  let steps = 0;
  let content = 0;
  const visitor: GitVisitor = {
    spend() {
      if (++steps > maxSteps) throw new LimitError();
    },
    record(path) {
      visitor.spend();
      // Backslashes in a name are doubled, so that it cannot look like another name with escaped bytes.
      const name = printable(relative(root, path).replaceAll('\\', '\\\\'));
      if (found.has(name)) return;
      const text = readBytes(path, maxText);
      content += (text?.length ?? 0) + name.length;
      if (content > maxRead) throw new LimitError();
      found.set(name, describeEntry(path, text, content <= maxContent));
      const target = linkTarget(path);
      if (target !== null && isWithin(target, root)) recordTree(target, visitor);
    },
  };
  return visitor;
}

/** Yield every `.git`, `.gitattributes` and `.gitmodules`, except those of installed packages. Links are not followed. */
async function* gitFilesBelow(root: string): AsyncGenerator<string> {
  const folders = [root];
  let seen = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await entriesIn(folder)) {
      if (++seen > maxEntries) throw new LimitError();
      const path = join(folder, entry.name);
      if (['.git', '.gitattributes', '.gitmodules'].includes(entry.name)) yield path;
      else if (entry.isDirectory() && entry.name !== 'node_modules') folders.push(path);
    }
  }
}
