import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { protectedGitPaths, takeSnapshots } from '../../../src/workspace/protected-git.ts';
import { folder, repository, run } from './repositories.ts';

const paths = (workspace: string, to: string) => takeSnapshots(workspace, to).map(({ path }) => path);

test('configuration and hooks of a bound repository are copied, with modes and links as they are', t => {
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

test('each shape of .git has its paths', t => {
  const base = folder(t);
  const source = repository(join(base, 'source'));
  rmSync(join(source, '.git/hooks'), { recursive: true });
  t.deepEqual(protectedGitPaths(source), ['.git/config']);
  t.deepEqual(
    paths(source, join(base, 'to')),
    ['.git/config', '.git/hooks'],
    'a directory to mount over is made',
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

test('a configuration that has become a link is not copied, and neither are hooks without an end', t => {
  const base = folder(t);
  const source = repository(join(base, 'source'));
  writeFileSync(join(base, 'private'), 'private');
  rmSync(join(source, '.git/config'));
  symlinkSync(join(base, 'private'), join(source, '.git/config'));
  for (let count = 0; count < 600; count++) writeFileSync(join(source, '.git/hooks', `x${count}`), '');
  t.deepEqual(paths(source, join(base, 'to')), []);
  t.false(existsSync(join(base, 'to/0')));
});
