import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** The folders of independent images, within the folder of our images. */
export const providerFolder = 'provider';
const independent = ['proxy', 'broker', 'model-stub', providerFolder];

/**
 * Hash the names, modes and contents of all files of a folder. They are read synchronously: a turn of the event loop for each
 * of them takes ten times as long as reading all, and every run waits for it.
 */
export async function contentHash(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => independent.every(own => !file.startsWith(join(folder, own, '/'))));
  for (const file of files.sort()) {
    const executable = (statSync(file).mode & 0o100) !== 0;
    hash
      .update(`${file.slice(folder.length)}\0${executable}\0`)
      .update(readFileSync(file))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 32);
}

/** Return a tag by content: equal parts give an equal tag. */
export const tagOf = (...parts: readonly string[]) =>
  createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32);
