import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ensureClone } from '../../../src/workspace/clone.ts';
import { git } from '../../../src/workspace/git.ts';
import { lookAtSource } from '../../../src/workspace/source.ts';
import { commit, folder, hashes, head, repository, run } from './repositories.ts';

const signal = new AbortController().signal;
const branch = 'agent-flow/r1234567/fixer';
const cloneOf = async (path: string, base: string, more: { commit?: string; name?: string } = {}) => {
  const target = join(base, more.name ?? 'clone', 'workspace');
  await ensureClone(git, { repository: path, commit: more.commit ?? head(path), branch, target }, signal);
  return target;
};

test('a clone is on a branch of its own at the commit, and shares no file with the source', async t => {
  const base = folder(t);
  const source = repository(join(base, 'source'));
  commit(source, { 'b.txt': 'b\n' });
  run(source, 'remote', 'add', 'origin', 'https://me:secret@example.invalid/me/it.git');
  run(source, 'config', 'user.name', 'Ada');
  run(source, 'config', 'filter.evil.smudge', 'touch evil');
  const before = hashes(source);
  const clone = await cloneOf(source, base);
  t.deepEqual(hashes(source), before);
  t.is(head(clone), head(source));
  t.is(run(clone, 'symbolic-ref', 'HEAD'), `refs/heads/${branch}`);
  t.is(run(clone, 'config', '--local', 'user.name'), 'Ada');
  t.is(run(clone, 'remote', 'get-url', 'origin'), 'https://example.invalid/me/it.git');
  t.is(run(clone, 'status', '--porcelain'), '');
  t.is(readFileSync(join(clone, 'b.txt'), 'utf8'), 'b\n');
  for (const name of Object.keys(hashes(clone))) t.is(statSync(join(clone, name)).nlink, 1, name);
  t.deepEqual(readdirSync(join(clone, '..')), ['workspace']);
});

test('what an earlier try made is found, and what it half made is made again', async t => {
  const base = folder(t);
  const source = repository(join(base, 'source'));
  const target = join(base, 'clone', 'workspace');
  mkdirSync(`${target}.making-1`, { recursive: true });
  await cloneOf(source, base);
  t.false(existsSync(`${target}.making-1`));
  writeFileSync(join(target, 'mine.txt'), 'mine');
  await cloneOf(source, base);
  t.true(existsSync(join(target, 'mine.txt')));
});

test('a commit that no branch holds any more can still be started from', async t => {
  const base = folder(t);
  const source = repository(join(base, 'source'));
  commit(source, { 'b.txt': 'b\n' });
  const first = head(source);
  run(source, 'reset', '--quiet', '--hard', 'HEAD~');
  const clone = await cloneOf(source, base, { commit: first });
  t.is(head(clone), first);
});

test('linked work trees and shallow repositories can be cloned', async t => {
  const base = folder(t);
  const source = repository(join(base, 'source'));
  commit(source, { 'b.txt': 'b\n' });
  run(source, 'worktree', 'add', '--quiet', '-b', 'side', join(base, 'linked'));
  commit(join(base, 'linked'), { 'c.txt': 'c\n' });
  const linked = await cloneOf(join(base, 'linked'), base, { name: 'of-linked' });
  t.is(head(linked), head(join(base, 'linked')));
  t.true(statSync(join(linked, '.git')).isDirectory());

  run(base, 'clone', '--quiet', '--depth=1', `file://${source}`, 'shallow');
  const shallow = await cloneOf(join(base, 'shallow'), base, { name: 'of-shallow' });
  t.is(head(shallow), head(source));
  t.is(run(shallow, 'rev-list', '--count', 'HEAD'), '1');
});

test('submodules come from the source’s own copies, nested ones too', async t => {
  const base = folder(t);
  const inner = repository(join(base, 'inner'), { 'inner.txt': 'inner\n' });
  const middle = repository(join(base, 'middle'), { 'middle.txt': 'middle\n' });
  run(middle, 'submodule', '--quiet', 'add', inner, 'in side');
  commit(middle, {});
  const source = repository(join(base, 'source'));
  run(source, 'submodule', '--quiet', 'add', middle, 'lib');
  run(source, 'submodule', '--quiet', 'update', '--init', '--recursive');
  commit(source, {});
  const before = hashes(source);
  const clone = await cloneOf(source, base);
  t.is(readFileSync(join(clone, 'lib', 'in side', 'inner.txt'), 'utf8'), 'inner\n');
  t.is(run(clone, 'status', '--porcelain'), '');
  t.notRegex(readFileSync(join(clone, '.git', 'config'), 'utf8'), /file:/);
  t.notRegex(readFileSync(join(clone, '.git', 'modules', 'lib', 'config'), 'utf8'), /file:/);
  t.deepEqual(hashes(source), before);
});

test('a look at a source tells its commit and whether it is dirty, and touches nothing', async t => {
  const base = folder(t);
  const source = repository(join(base, 'source'));
  // The index is stale now: a plain `git status` would write it anew.
  writeFileSync(join(source, 'a.txt'), 'a\n');
  const before = hashes(source);
  t.deepEqual(await lookAtSource(git, source), { repository: source, commit: head(source), isDirty: false });
  writeFileSync(join(source, 'new.txt'), '');
  t.like(await lookAtSource(git, source), { isDirty: true });
  t.deepEqual(
    hashes(source, name => name === 'new.txt'),
    before,
  );
});

test('a repository without a commit is refused with the mend', async t => {
  const base = folder(t);
  run('.', 'init', '--quiet', join(base, 'empty'));
  const looked = await lookAtSource(git, join(base, 'empty'));
  t.regex('fault' in looked ? looked.fault : '', /no commit yet.*git commit/);
});
