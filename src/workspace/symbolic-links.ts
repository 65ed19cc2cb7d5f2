import { lstatSync, lutimesSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { pathBelow } from './entry-name.ts';

/** A symbolic link of an untrusted tree: the names in its path, and its target as written. */
export interface SymbolicLink {
  readonly names: readonly string[];
  readonly target: string;
  /** Seconds since 1970. */
  readonly mtime: number;
}

/** The limit of Linux for links in one path. */
const maxHops = 40;
/** Names to resolve for all links of a tree together; links beyond it are removed. */
const maxSteps = 4_000_000;
const cacheSize = 100_000;
/** Links to handle before other work proceeds. */
const batch = 500;

/**
 * Create symbolic links in a tree that has none, and remove those that lead out of it. Nothing may be written below
 * `root` afterwards: a remaining link may point to a name that does not exist. Return the paths of removed links.
 */
export async function placeLinks(root: string, links: readonly SymbolicLink[]): Promise<string[]> {
  // Create directories first: mkdir would follow a link.
  for (const parent of new Set(links.map(({ names }) => names.slice(0, -1).join('/'))))
    await mkdir(pathBelow(root, parent), { recursive: true, mode: 0o700 }).catch(() => {});
  const placed: string[] = [];
  const left: string[] = [];
  for (const link of links) (place(root, link) ? placed : left).push(link.names.join('/'));
  // Check all before removing any: a link through one that leads out leads out too.
  const out = await linksOut(root, placed);
  for (const path of out) unlinkSync(pathBelow(root, path));
  return [...left, ...out];
}

function place(root: string, { names, target, mtime }: SymbolicLink): boolean {
  const path = pathBelow(root, names.join('/'));
  try {
    symlinkSync(Buffer.from(target, 'latin1'), path);
  } catch {
    // The name is taken, or its parent is a file.
    return false;
  }
  try {
    lutimesSync(path, mtime, mtime);
  } catch {
    // The file system does not support this time.
  }
  return true;
}

async function linksOut(root: string, links: readonly string[]): Promise<string[]> {
  const out: string[] = [];
  const leadsOut = linkFollower(root);
  for (const [index, link] of links.entries()) {
    if (index % batch === 0) await setImmediate();
    if (leadsOut(link)) out.push(link);
  }
  return out;
}

/**
 * Resolve links name by name, as the kernel does; `..` after a link is relative to the target of the link. A name that
 * does not exist counts as a directory, since it may be created later.
 */
function linkFollower(root: string): (path: string) => boolean {
  const targetOf = cachedReadlink(root);
  let steps = 0;
  return path => {
    const left = path.split('/').reverse();
    const at: string[] = [];
    for (let hops = 0; left.length > 0; ) {
      if (++steps > maxSteps) return true;
      const name = left.pop()!;
      if (name === '' || name === '.') continue;
      if (name === '..') {
        if (at.pop() === undefined) return true;
        continue;
      }
      at.push(name);
      const target = targetOf(at.join('/'));
      if (target === null) continue;
      if (++hops > maxHops || target.startsWith('/')) return true;
      at.pop();
      for (const next of target.split('/').reverse()) left.push(next);
    }
    return false;
  };
}

/** Return the target of a link; null if the path is not a link. */
function cachedReadlink(root: string): (path: string) => string | null {
  const known = new Map<string, string | null>();
  return path => {
    const found = known.get(path);
    if (found !== undefined) return found;
    const target = readLink(pathBelow(root, path));
    if (known.size >= cacheSize) known.clear();
    known.set(path, target);
    return target;
  };
}

function readLink(path: Buffer): string | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path, 'latin1') : null;
  } catch {
    // For example a name below a file, or one that is too long.
    return null;
  }
}
