import { randomBytes } from 'node:crypto';
import { linkSync, rmSync, statSync } from 'node:fs';
import { inPlace } from './state-files.ts';
import { writeNewFile } from './write-file-atomic.ts';

export interface CreateFileOptions {
  /** It is on disk when this returns. */
  readonly isDurable?: boolean;
  readonly link?: ((from: string, to: string) => void) | undefined;
}

/**
 * Create a file with its content in one step, so that of several processes one creates it, and none reads a part of it.
 * On a file system without hard links it is empty for a moment. Returns false if the file exists.
 */
export function createFileAtomic(
  file: string,
  content: string,
  { isDurable = false, link = linkSync }: CreateFileOptions = {},
): boolean {
  return inPlace(file, path => {
    const aside = `${path}-${randomBytes(6).toString('hex')}`;
    try {
      writeNewFile(aside, content, isDurable);
      link(aside, path);
      return true;
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (linkless.includes(code)) return createInPlace(path, content, isDurable);
      if (code !== 'EEXIST') throw error;
      // A network file system may retry a link whose response was lost, and then finds its own.
      return isLinked(aside);
    } finally {
      rmSync(aside, { force: true });
    }
  });
}

/** Errors of file systems without hard links. */
const linkless = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

const isLinked = (aside: string) => (statSync(aside, { throwIfNoEntry: false })?.nlink ?? 0) > 1;

function createInPlace(path: string, content: string, isDurable: boolean): boolean {
  try {
    writeNewFile(path, content, isDurable);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    rmSync(path, { force: true });
    throw error;
  }
}
