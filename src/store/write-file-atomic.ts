import { randomBytes } from 'node:crypto';
import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { inPlace } from './state-files.ts';

/** Write a file aside and rename it, so that no reader sees a part of it; it is on disk when this returns. */
export function writeFileAtomic(file: string, content: string): void {
  inPlace(file, path => {
    const aside = `${path}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      writeSynced(aside, content);
      renameSync(aside, path);
    } catch (error) {
      rmSync(aside, { force: true });
      throw error;
    }
  });
  syncDirectory(dirname(file));
}

function writeSynced(file: string, content: string): void {
  const fd = openSync(file, 'wx', 0o600);
  try {
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A file that is new, or has a new name, survives a loss of power when its directory is on disk too. */
export function syncDirectory(path: string): void {
  const { O_DIRECTORY = 0, O_NOFOLLOW = 0 } = constants;
  const fd = inPlace(path, entry => openSync(entry, O_DIRECTORY | O_NOFOLLOW));
  try {
    fsyncSync(fd);
  } catch (error) {
    // Some file systems sync no directories.
    if (!['EINVAL', 'EPERM', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    closeSync(fd);
  }
}
