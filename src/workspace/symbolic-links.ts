import { lstatSync, lutimesSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { pathBelow } from './entry-name.ts';

/** A symbolic link of an untrusted tree: its path below the root, by names, and its target as written. */
export interface SymbolicLink {
  readonly names: readonly string[];
  readonly target: string;
  /** Seconds since 1970. */
  readonly mtime: number;
}

/** As in Linux, which follows so many links in one path. */
const maxHops = 40;
/** Names followed for all links of a tree together; no link is kept beyond it. */
const maxSteps = 4_000_000;
const cacheSize = 100_000;
/** Links that are handled before anything else gets its turn. */
const batch = 500;

/**
 * Create symbolic links in a tree that has none, and remove those that lead out of it. Nothing may be written below
 * `root` afterwards: a link that stays may point to a name that does not exist. Return the paths of those that were left out.
 */
export async function placeLinks(root: string, links: readonly SymbolicLink[]): Promise<string[]> {
  // Directories come first: once there is a link, mkdir could follow it.
  for (const parent of new Set(links.map(({ names }) => names.slice(0, -1).join('/'))))
    await mkdir(pathBelow(root, parent), { recursive: true, mode: 0o700 }).catch(() => {});
  const placed: string[] = [];
  const left: string[] = [];
  for (const link of links) (place(root, link) ? placed : left).push(link.names.join('/'));
  // All are judged before any is removed: a link that passes through one that leads out leads out itself.
  const out = await linksOut(root, placed);
  for (const path of out) unlinkSync(pathBelow(root, path));
  return [...left, ...out];
}

function place(root: string, { names, target, mtime }: SymbolicLink): boolean {
  const path = pathBelow(root, names.join('/'));
  try {
    symlinkSync(Buffer.from(target, 'latin1'), path);
  } catch {
    // Something else has that name, or its parent is a file.
    return false;
  }
  try {
    lutimesSync(path, mtime, mtime);
  } catch {
    // A time that the file system cannot keep.
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
 * Follow links name by name, as the kernel does; `..` after a link leaves the directory that the link leads to. A name
 * that does not exist counts as a directory, for somebody may create it.
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

/** Return the target of a link; null where there is none. */
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
    // Such as a name below a file, or one that is too long.
    return null;
  }
}
