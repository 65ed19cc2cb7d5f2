import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** In the folder of our images, those of images that have nothing to do with the others. */
export const proxyFolder = 'proxy';
export const providerFolder = 'provider';

/** What our images are made of, as one hash: names, modes and contents of all files of a folder. */
export async function contentHash(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => [proxyFolder, providerFolder].every(own => !file.startsWith(join(folder, own, '/'))));
  for (const file of files.sort()) {
    const executable = ((await stat(file)).mode & 0o100) !== 0;
    hash
      .update(`${file.slice(folder.length)}\0${executable}\0`)
      .update(await readFile(file))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 32);
}

/** A tag for what is made of these parts: equal parts, equal tag. */
export const tagOf = (...parts: readonly string[]) =>
  createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32);
