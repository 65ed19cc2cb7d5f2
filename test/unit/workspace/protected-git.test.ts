import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { protectedGitPaths, takeSnapshots } from '../../../src/workspace/protected-git.ts';
import { isExhaustive } from '../../samples.ts';
import { folder, repository, run } from '../_helpers/repositories.ts';

const rounds = isExhaustive ? 150 : 40;
const paths = (workspace: string, to: string) => takeSnapshots(workspace, to).map(({ path }) => path);

test('configuration and hooks of a bound repository are copied with their modes and links', t => {
  const base = folder(t);
  const source = repository(join(base, 'source'));
  writeFileSync(join(source, '.git/hooks/pre-commit'), '#!/bin/sh\n', { mode: 0o755 });
  symlinkSync('/etc/passwd', join(source, '.git/hooks/linked'));
  const snapshots = takeSnapshots(source, join(base, 'to'));
  t.deepEqual(
    snapshots.map(({ path }) => path),
    ['.git/config', '.git/hooks'],
  );
  const [config, hooks] = snapshots.map(({ snapshot }) => snapshot);
  t.is(readFileSync(config!, 'utf8'), readFileSync(join(source, '.git/config'), 'utf8'));
  t.is(statSync(join(hooks!, 'pre-commit')).mode & 0o777, 0o755);
  t.true(readdirSync(hooks!).includes('linked'));
  t.is(statSync(join(base, 'to')).mode & 0o777, 0o700);
});

test('the protected paths depend on the layout of .git', t => {
  const base = folder(t);
  const source = repository(join(base, 'source'));
  rmSync(join(source, '.git/hooks'), { recursive: true });
  t.deepEqual(protectedGitPaths(source), ['.git/config']);
  t.deepEqual(
    paths(source, join(base, 'to')),
    ['.git/config', '.git/hooks'],
    'a missing hook directory is created',
  );
  run(source, 'config', 'extensions.worktreeConfig', 'true');
  t.deepEqual(paths(source, join(base, 'to')), ['.git/config', '.git/config.worktree', '.git/hooks']);
  run(source, 'worktree', 'add', '--quiet', '-b', 'side', join(base, 'linked'));
  t.deepEqual(paths(join(base, 'linked'), join(base, 'to')), ['.git']);
  renameSync(join(source, '.git'), join(source, '.real'));
  symlinkSync('.real', join(source, '.git'));
  t.deepEqual(paths(source, join(base, 'to')), ['.real/config', '.real/config.worktree', '.real/hooks']);
  mkdirSync(join(base, 'none'));
  t.deepEqual(paths(join(base, 'none'), join(base, 'to')), []);
});

test('a configuration that is a link and too many hooks are not copied', t => {
  const base = folder(t);
  const source = repository(join(base, 'source'));
  writeFileSync(join(base, 'private'), 'private');
  rmSync(join(source, '.git/config'));
  symlinkSync(join(base, 'private'), join(source, '.git/config'));
  for (let count = 0; count < 600; count++) writeFileSync(join(source, '.git/hooks', `x${count}`), '');
  t.deepEqual(paths(source, join(base, 'to')), []);
  t.false(existsSync(join(base, 'to/0')));
});

test('links among hooks are copied, not followed', t => {
  const base = folder(t);
  const source = repository(join(base, 'source'));
  const hooks = join(source, '.git/hooks');
  mkdirSync(join(base, 'private'));
  writeFileSync(join(base, 'private/key'), 'private');
  for (const name of ['a', 'b']) symlinkSync('.', join(hooks, name));
  symlinkSync(join(base, 'private'), join(hooks, 'c'));
  mkdirSync(join(hooks, 'd'));
  writeFileSync(join(hooks, 'd/e'), 'e', { mode: 0o755 });
  const copy = takeSnapshots(source, join(base, 'to')).at(-1)!.snapshot;
  t.deepEqual(
    ['a', 'b', 'c'].map(name => readlinkSync(join(copy, name))),
    ['.', '.', join(base, 'private')],
  );
  t.is(readFileSync(join(copy, 'd/e'), 'utf8'), 'e', 'a real directory is copied');
  t.is(statSync(join(copy, 'd/e')).mode & 0o777, 0o755);
});

test('a file that is replaced by a link during the copy is not read through the link', async t => {
  const base = folder(t);
  const source = repository(join(base, 'source'));
  mkdirSync(join(base, 'private/hooks'), { recursive: true });
  for (const name of ['config', 'hooks/pre-commit']) writeFileSync(join(base, 'private', name), 'private');
  for (let count = 0; count < 100; count++) writeFileSync(join(source, '.git/hooks', `x${count}`), 'x');
  const swapper = new Worker(swap, { eval: true, workerData: { source, target: join(base, 'private') } });
  t.teardown(() => swapper.terminate());
  await once(swapper, 'message');
  let copied = 0;
  for (let round = 0; round < rounds; round++)
    for (const { snapshot } of takeSnapshots(source, join(base, 'to'))) {
      copied++;
      t.false(lstatSync(snapshot).isSymbolicLink());
      const files = lstatSync(snapshot).isDirectory()
        ? readdirSync(snapshot).map(name => join(snapshot, name))
        : [snapshot];
      for (const file of files)
        if (lstatSync(file).isFile() && readFileSync(file, 'utf8') === 'private') t.fail(`${file} was read`);
    }
  t.true(copied > 0, 'some snapshots succeed');
});

/** Replace `.git` and hooks by links and restore them, in an endless loop. */
const swap = `
  const { renameSync, symlinkSync, unlinkSync } = require('node:fs');
  const { parentPort, workerData: { source, target } } = require('node:worker_threads');
  const git = source + '/.git';
  parentPort.postMessage('begun');
  for (;;) {
    renameSync(git, git + '-aside');
    symlinkSync(target, git);
    unlinkSync(git);
    renameSync(git + '-aside', git);
    for (let count = 0; count < 20; count++) {
      const hook = git + '/hooks/x' + count;
      renameSync(hook, git + '/aside');
      symlinkSync(target + '/config', hook);
      unlinkSync(hook);
      renameSync(git + '/aside', hook);
    }
  }
`;
