import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where a TMPDIR leads nowhere, these do, as in other programs. */
const usual = ['/tmp', '/var/tmp'];

/**
 * Make a directory for files of a moment, its name beginning with `prefix`. The path is absolute, since docker is started
 * in another directory than we are.
 */
export async function scratchDirectory(
  prefix: string,
  fallbacks: readonly string[] = usual,
): Promise<string> {
  const problems: string[] = [];
  for (const place of new Set([tmpdir(), ...fallbacks])) {
    try {
      return await mkdtemp(join(resolve(place), prefix));
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  throw new Error(
    `no temporary file can be written: ${problems.join('; ')}. Set TMPDIR to a directory that you can write to`,
  );
}
