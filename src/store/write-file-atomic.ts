import { randomBytes } from 'node:crypto';
import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { inPlace } from './state-files.ts';

/**
 * Write a temporary file and rename it, so that no reader sees a partial file. It is on disk when this returns,
 * unless it may be lost with the power of the machine.
 */
export function writeFileAtomic(file: string, content: string | Uint8Array, { isDurable = true } = {}): void {
  inPlace(file, path => {
    const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      writeNewFile(temporary, content, isDurable);
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  });
  if (isDurable) syncDirectory(dirname(file));
}

/** Create a file that must not exist, with mode 0600. */
export function writeNewFile(file: string, content: string | Uint8Array, isDurable: boolean): void {
  const fd = openSync(file, 'wx', 0o600);
  try {
    writeFileSync(fd, content);
    if (isDurable) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Sync a directory: a new or renamed file survives a loss of power only if its directory is on disk too. */
export function syncDirectory(path: string): void {
  const { O_DIRECTORY = 0, O_NOFOLLOW = 0 } = constants;
  const fd = inPlace(path, entry => openSync(entry, O_DIRECTORY | O_NOFOLLOW));
  try {
    fsyncSync(fd);
  } catch (error) {
    // Some file systems cannot sync directories.
    if (!['EINVAL', 'EPERM', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    closeSync(fd);
  }
}
