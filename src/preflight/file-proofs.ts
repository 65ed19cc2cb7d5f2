import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, lstatSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Question } from '../agent-container/file-probe.ts';
import { bootId } from '../store/boot-id.ts';
import { type DirectoryHandle, openDirectory } from '../store/directory-handle.ts';

/** A question, and the one answer that proves that the engine has the same file or directory; empty where none does. */
export interface Proof extends Question {
  readonly expected: string;
}

/** Nothing for a path that does not exist. */
export function identityProof(path: string): Proof[] {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return [];
  // An engine gives no such text where this system has no boot id.
  return [{ path, look: 'identity', expected: `${bootId() || 'unknown'} ${stats.dev}:${stats.ino}` }];
}

/**
 * Make a file of random name in a directory, which is removed when it is disposed: those of `written` at the caller's
 * time. In a repository it is made where no watcher of the work tree looks. null where none can be made.
 */
export function nonceProof(path: string, written: Disposable[]): Proof | null {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return null;
  // One for each path: the engine may have the directory of one at the path of another.
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

/** An agent that can write there cannot lead this elsewhere: a link in the place of the folder is refused. */
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

/** Of a directory its list is compared, without what is below. */
export async function contentProof(path: string): Promise<Proof> {
  return { path, look: 'content', expected: await digest(path).catch(() => '') };
}

/** As the probe prints it; empty for what is neither a file nor a directory, such as a socket. */
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
