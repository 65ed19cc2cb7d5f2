import { constants, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/**
 * Copies a file that a container has written to a place of ours. Only a regular one, whatever is behind its name; and
 * never more than `most` bytes, whatever its size says.
 */
export async function takeFile(from: string, to: string, most: number): Promise<void> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const handle = await open(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(error => {
    if (error.code === 'ELOOP' || error.code === 'ENXIO') throw new Error(`${from} is no regular file`);
    throw error;
  });
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw new Error(`${from} is no regular file`);
    if (facts.size > most) throw new Error(`${from} is larger than ${Math.floor(most / 2 ** 20)} MB`);
    const source = handle.createReadStream({ autoClose: false, start: 0, end: Math.max(0, facts.size - 1) });
    await pipeline(source, createWriteStream(to, { mode: 0o600, flags: 'w' }));
  } finally {
    await handle.close();
  }
}
