import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { list, type ReadEntry } from 'tar';
import { folder } from './repositories.ts';

/** Return what another implementation reads from an archive. It throws for a wrong checksum. */
export function readTar(t: ExecutionContext, archive: Buffer) {
  const file = join(folder(t), 'archive.tar');
  writeFileSync(file, archive);
  const entries: { readonly entry: ReadEntry; readonly content: Buffer }[] = [];
  list({
    file,
    sync: true,
    strict: true,
    onReadEntry(entry) {
      const chunks: Buffer[] = [];
      entry.on('data', data => chunks.push(data));
      entry.on('end', () => entries.push({ entry, content: Buffer.concat(chunks) }));
    },
  });
  return entries;
}
