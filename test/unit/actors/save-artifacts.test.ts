import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { makeRoom } from '../../../src/actors/save-artifacts.ts';
import { folder } from '../_helpers/repositories.ts';

test('an artifact below another that is a file is skipped', t => {
  const root = join(folder(t), 'artifacts');
  t.true(makeRoom(root, 'out'));
  writeFileSync(join(root, 'out'), '');
  t.false(makeRoom(root, 'out/x'));
  t.false(makeRoom(root, 'out/x/y'));
  t.true(makeRoom(root, 'dir/x'));
  mkdirSync(join(root, 'dir/x'));
  t.true(makeRoom(root, 'dir/x'));
  t.false(existsSync(join(root, 'dir/x')), 'an earlier directory is removed');
});
