import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Return the directories for temporary files: if TMPDIR does not exist, the others are tried, as in other programs. */
export const temporary = (): string[] => [tmpdir(), '/tmp', '/var/tmp'];

/**
 * Make a temporary directory whose name begins with `prefix`, in the first of `places` that is writable. The path is
 * absolute, since docker runs in another working directory.
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
  throw new Error(`cannot write temporary files: ${problems.join('; ')}. Set TMPDIR to a writable directory`);
}
