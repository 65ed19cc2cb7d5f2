import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where a TMPDIR leads nowhere, the others do, as in other programs. */
export const temporary = (): string[] => [tmpdir(), '/tmp', '/var/tmp'];

/**
 * Make a directory for files of a moment, its name beginning with `prefix`: in the first of `places` that takes it. The
 * path is absolute, since docker is started in another directory than we are.
 */
export async function scratchDirectory(
  prefix: string,
  places: readonly string[] = temporary(),
): Promise<string> {
  const problems: string[] = [];
  for (const place of new Set(places)) {
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
