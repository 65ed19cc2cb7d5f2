import { constants, createWriteStream } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/**
 * Copy a file that a container has written: only a regular file, and at most `maxBytes`, whatever its size claims. A hard
 * link needs no check: link(2) does not cross mounts, and the container writes below its own mount, so that each
 * name there belongs to a file that was written there.
 */
export async function copyUntrustedFile(from: string, to: string, maxBytes: number): Promise<void> {
  // Opening may have an effect already, such as on a watchdog device.
  if (!(await lstat(from)).isFile()) throw new Error(`${from} is not a regular file`);
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const handle = await open(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw new Error(`${from} is not a regular file`);
    if (facts.size > maxBytes) throw new Error(`${from} is larger than ${Math.floor(maxBytes / 2 ** 20)} MB`);
    const source = handle.createReadStream({ autoClose: false, start: 0, end: Math.max(0, facts.size - 1) });
    await pipeline(source, createWriteStream(to, { mode: 0o600, flags: 'w' }));
  } finally {
    await handle.close();
  }
}
