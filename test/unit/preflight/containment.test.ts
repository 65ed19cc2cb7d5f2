import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  identitiesAbove,
  identityOf,
  isBelow,
  isWithin,
  realPath,
} from '../../../src/preflight/containment.ts';
import { folder } from '../_helpers/repositories.ts';

/** Directories `proj/sub`, `proj-two` and `other`, files `proj/file` and `other/file`, a link `link` to `proj`. */
function desk(t: ExecutionContext) {
  const base = folder(t);
  for (const path of ['proj/sub', 'proj-two', 'other']) mkdirSync(join(base, path), { recursive: true });
  for (const path of ['proj/file', 'other/file']) writeFileSync(join(base, path), '');
  symlinkSync(join(base, 'proj'), join(base, 'link'));
  return { at: (path: string) => join(base, path) };
}

test('containment compares files, not text', t => {
  const { at } = desk(t);
  const table: readonly (readonly [path: string, folder: string, isBelow: boolean, isWithin: boolean])[] = [
    ['proj/sub', 'proj', true, true],
    ['proj/sub/', 'proj/', true, true],
    ['proj', 'proj', false, true],
    ['link', 'proj', false, true],
    ['link/sub', 'proj', true, true],
    ['proj-two', 'proj', false, false],
    ['proj', 'proj/sub', false, false],
    ['proj/..', 'proj', false, false],
    ['proj/gone/deep', 'proj', true, true],
    ['Proj/sub', 'proj', false, false],
  ];
  for (const [path, place, below, within] of table) {
    t.is(isBelow(at(path), at(place)), below, `${path} below ${place}`);
    t.is(isWithin(at(path), at(place)), within, `${path} within ${place}`);
  }
  t.true(isBelow(at('proj'), '/'));
});

test('a path that does not exist is its own identity, and keeps its name', t => {
  const { at } = desk(t);
  t.is(identityOf(at('gone')), at('gone'));
  t.is(realPath(`${at('gone')}/../other-gone`), at('other-gone'));
});

test('a link and its target have one identity, two files have two', t => {
  const { at } = desk(t);
  t.is(identityOf(at('link')), identityOf(at('proj')));
  t.not(identityOf(at('proj/file')), identityOf(at('other/file')));
});

test('the directories above a path begin with its parent and end with the root', t => {
  const { at } = desk(t);
  const above = identitiesAbove(at('link/sub'));
  t.is(above[0], identityOf(at('proj')));
  t.is(above.at(-1), identityOf('/'));
  t.deepEqual(identitiesAbove('/'), []);
});
