import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createFileAtomic } from '../../../src/store/create-file.ts';
import { folder } from '../_helpers/repositories.ts';

test('a file appears with its whole content, and no other is left', t => {
  const path = folder(t);
  const file = join(path, 'instance');
  const link = (from: string, to: string) => {
    t.false(existsSync(to));
    t.is(readFileSync(from, 'utf8'), 'one');
    writeFileSync(to, readFileSync(from));
  };
  t.true(createFileAtomic(file, 'one', { link }));
  t.deepEqual(readdirSync(path), ['instance']);
});

test('a file that exists is kept', t => {
  const path = folder(t);
  const file = join(path, 'instance');
  t.true(createFileAtomic(file, 'one', { isDurable: true }));
  t.false(createFileAtomic(file, 'two', { isDurable: true }));
  t.is(readFileSync(file, 'utf8'), 'one');
  t.deepEqual(readdirSync(path), ['instance']);
});
