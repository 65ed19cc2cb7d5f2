import fs, { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { writeFileAtomic } from '../../../src/store/write-file-atomic.ts';

function stage(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-atomic-'));
  const { fsyncSync } = fs;
  let syncs = 0;
  fs.fsyncSync = fd => {
    syncs++;
    fsyncSync(fd);
  };
  syncBuiltinESMExports();
  t.teardown(() => {
    fs.fsyncSync = fsyncSync;
    syncBuiltinESMExports();
    rmSync(folder, { recursive: true });
  });
  return { folder, file: join(folder, 'file'), syncs: () => syncs };
}

test.serial('a file is replaced as a whole, and synced with its directory', t => {
  const { folder, file, syncs } = stage(t);
  writeFileAtomic(file, 'first');
  writeFileAtomic(file, 'second');
  t.is(readFileSync(file, 'utf8'), 'second');
  t.deepEqual(readdirSync(folder), ['file']);
  t.is(syncs(), 4);
});

test.serial('a file that may be lost with the power is replaced as a whole, too, and not synced', t => {
  const { folder, file, syncs } = stage(t);
  writeFileAtomic(file, 'first');
  writeFileAtomic(file, 'second', { isDurable: false });
  t.is(readFileSync(file, 'utf8'), 'second');
  t.deepEqual(readdirSync(folder), ['file']);
  t.is(syncs(), 2);
});
