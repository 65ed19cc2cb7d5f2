import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, lstatSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Question } from '../agent-container/file-probe.ts';
import { bootId } from '../store/boot-id.ts';
import { type DirectoryHandle, openDirectory } from '../store/directory-handle.ts';

/** A question, and the reply that proves that the engine has the same file or directory; empty if none proves it. */
export interface Proof extends Question {
  readonly expected: string;
}

/** Return a proof by device and inode numbers; none for a path that does not exist. */
export function identityProof(path: string): Proof[] {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return [];
  // Without a boot id no reply of an engine matches.
  return [{ path, look: 'identity', expected: `${bootId() || 'unknown'} ${stats.dev}:${stats.ino}` }];
}

/**
 * Create a file of random name in a directory, which the caller removes by disposing `written`. In a repository it is
 * created in `.git`, where watchers of the work tree ignore it. Returns null if none can be created.
 */
export function nonceProof(path: string, written: Disposable[]): Proof | null {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return null;
  // Another one for each path: the engine may have the directory of one path at another path.
  const nonce = randomBytes(12).toString('hex');
  const name = `.agent-flow-${nonce}`;
  for (const folder of ['.git', '']) {
    const file = writeIn(path, folder, { name, text: `${nonce}\n` });
    if (file === null) continue;
    written.push(file);
    return { path, look: { file: join(folder, name) }, expected: nonce };
  }
  return null;
}

/** Create a file without following links: an agent may have replaced the folder by one. */
function writeIn(path: string, folder: string, { name, text }: { name: string; text: string }) {
  const open: DirectoryHandle[] = [];
  const close = () => {
    for (const handle of open) handle[Symbol.dispose]();
  };
  try {
    let place = openDirectory(path);
    open.push(place);
    if (folder !== '') {
      place = place.open(folder);
      open.push(place);
    }
    writeFileSync(place.entry(name), text, { flag: 'wx', mode: 0o644 });
    return {
      [Symbol.dispose]() {
        try {
          rmSync(place.entry(name), { force: true });
        } finally {
          close();
        }
      },
    };
  } catch {
    close();
    return null;
  }
}

/** Return a proof by content: that of a file, or the list of a directory without what is below. */
export async function contentProof(path: string): Promise<Proof> {
  return { path, look: 'content', expected: await digest(path).catch(() => '') };
}

/** Return the digest as the probe prints it; empty for anything but a file or directory, such as a socket. */
async function digest(path: string): Promise<string> {
  const hash = createHash('sha256');
  const stats = statSync(path);
  if (stats.isDirectory()) hash.update(listOf(path));
  else if (stats.isFile()) await pipeline(createReadStream(path), hash);
  else return '';
  return hash.digest('hex');
}

function listOf(folder: string): Buffer {
  const lines = ['', ...readdirSync(folder)].map(name => {
    const stats = lstatSync(join(folder, name));
    const seconds = Math.floor(stats.mtimeMs / 1000);
    return Buffer.from(`${name} ${seconds}${stats.isDirectory() ? '' : ` ${stats.size}`}\n`);
  });
  return Buffer.concat(lines.sort(Buffer.compare));
}
