import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { isWithin } from '../../../src/spec/paths.ts';
import {
  branchCommit,
  branchProblem,
  findRepository,
  headCommit,
  parseGitConfig,
  repositoryRoots,
} from '../../../src/workspace/repository.ts';
import { commit, folder, head, repository, run } from '../_helpers/repositories.ts';

const problemOf = (root: string) => {
  const found = findRepository(root);
  return 'problem' in found ? found.problem : null;
};

test('a work tree, a linked work tree and a submodule are found with their commits', t => {
  const base = folder(t);
  const source = repository(join(base, 'source'));
  const linked = join(base, 'linked');
  run(source, 'worktree', 'add', '--quiet', '-b', 'a/side', linked);
  commit(linked, { 'b.txt': 'b\n' });
  run(source, 'submodule', '--quiet', 'add', source, 'lib');
  run(source, 'pack-refs', '--all');
  for (const root of [source, linked, join(source, 'lib')]) {
    const found = findRepository(root);
    if ('problem' in found) return t.fail(`${root}: ${found.problem}`);
    t.is(headCommit(found), head(root));
    run(root, 'checkout', '--quiet', '--detach');
    t.is(headCommit(found), head(root));
  }
  t.like(findRepository(linked), {
    gitDir: join(source, '.git/worktrees/linked'),
    commonDir: join(source, '.git'),
  });
});

test('a .git link inside the work tree is followed, and one that leads out is refused', t => {
  const base = folder(t);
  const source = repository(join(base, 'source'));
  renameSync(join(source, '.git'), join(source, '.real'));
  symlinkSync('.real', join(source, '.git'));
  t.like(findRepository(source), { gitDir: join(source, '.real') });
  const other = repository(join(base, 'other'));
  rmSync(join(source, '.git'));
  symlinkSync(join(other, '.git'), join(source, '.git'));
  t.is(problemOf(source), 'its .git is a link that leads out of it');
});

/** Files by which an agent could redirect git to another repository; git follows each. */
const redirections: Readonly<Record<string, (source: string, other: string) => void>> = {
  'a .git file that names the git directory of another repository'(source, other) {
    rmSync(join(source, '.git'), { recursive: true });
    writeFileSync(join(source, '.git'), `gitdir: ${join(other, '.git')}\n`);
  },
  'a .git file that names a linked work tree of another repository'(source, other) {
    run(other, 'worktree', 'add', '--quiet', '-b', 'side', join(other, '..', 'theirs'));
    rmSync(join(source, '.git'), { recursive: true });
    writeFileSync(join(source, '.git'), `gitdir: ${join(other, '.git/worktrees/theirs')}\n`);
  },
  'a commondir file'(source, other) {
    writeFileSync(join(source, '.git/commondir'), join(other, '.git'));
  },
  alternates(source, other) {
    mkdirSync(join(source, '.git/objects/info'), { recursive: true });
    writeFileSync(join(source, '.git/objects/info/alternates'), `${join(other, '.git/objects')}\n`);
    writeFileSync(join(source, '.git/refs/heads/main'), `${head(other)}\n`);
  },
  'an objects directory that is a link'(source, other) {
    rmSync(join(source, '.git/objects'), { recursive: true });
    symlinkSync(join(other, '.git/objects'), join(source, '.git/objects'));
    writeFileSync(join(source, '.git/refs/heads/main'), `${head(other)}\n`);
  },
};

for (const [title, redirect] of Object.entries(redirections))
  test(`${title} is refused, although git follows it`, t => {
    const base = folder(t);
    const source = repository(join(base, 'source'));
    const other = repository(join(base, 'other'), { 'private.txt': 'private\n' });
    redirect(source, other);
    t.is(run(source, 'show', 'HEAD:private.txt'), 'private');
    t.truthy(problemOf(source));
  });

test('a work tree below a directory named worktrees is not a linked work tree', t => {
  const base = folder(t);
  repository(join(base, 'bare'));
  renameSync(join(base, 'bare/.git'), join(base, 'bare.git'));
  const root = join(base, 'bare.git/worktrees/tree');
  repository(root);
  rmSync(join(root, '.git'), { recursive: true });
  writeFileSync(join(root, 'HEAD'), 'ref: refs/heads/main\n');
  writeFileSync(join(root, 'commondir'), '../..\n');
  writeFileSync(join(root, '.git'), 'gitdir: .\n');
  t.is(run(root, 'rev-parse', '--git-common-dir'), join(base, 'bare.git'), 'git accepts it');
  t.regex(problemOf(root) ?? '', /names no git directory/);
});

test('the commit of a branch is found, whether it is packed or not', t => {
  const source = repository(join(folder(t), 'source'));
  const found = findRepository(source);
  if ('problem' in found) return t.fail(found.problem);
  run(source, 'branch', 'agent-flow/r1234567/a');
  t.is(branchCommit(found, 'agent-flow/r1234567/a'), head(source));
  run(source, 'pack-refs', '--all');
  t.is(branchCommit(found, 'agent-flow/r1234567/a'), head(source));
  t.is(branchCommit(found, 'agent-flow/r1234567/b'), null);
  t.is(branchCommit(found, '../HEAD'), null);
});

test('headCommit follows no link and no path out of the repository', t => {
  const base = folder(t);
  const source = repository(join(base, 'source'));
  writeFileSync(join(base, 'ref'), `${head(source)}\n`);
  const found = findRepository(source);
  if ('problem' in found) return t.fail(found.problem);
  writeFileSync(join(source, '.git/HEAD'), 'ref: refs/../../../ref\n');
  t.regex(JSON.stringify(headCommit(found)), /names no branch/);
  writeFileSync(join(source, '.git/HEAD'), 'ref: refs/heads/linked\n');
  symlinkSync(join(base, 'ref'), join(source, '.git/refs/heads/linked'));
  t.regex(JSON.stringify(headCommit(found)), /no commit yet/);
});

test('a repository without a commit or with a reftable is refused with a hint', t => {
  const base = folder(t);
  run('.', 'init', '--quiet', join(base, 'empty'));
  const empty = findRepository(join(base, 'empty'));
  t.regex('problem' in empty ? '' : JSON.stringify(headCommit(empty)), /no commit yet.*git commit/);
  mkdirSync(join(base, 'empty/.git/reftable'));
  t.regex(problemOf(join(base, 'empty')) ?? '', /git refs migrate --ref-format=files/);
  t.is(problemOf(base), 'it has no .git');
});

test('a branch that conflicts with work branches is refused with a hint, packed or not', t => {
  const source = repository(join(folder(t), 'source'));
  const found = findRepository(source);
  if ('problem' in found) return t.fail(found.problem);
  run(source, 'branch', 'agent-flow/old');
  t.is(branchProblem(found, 'agent-flow'), null);
  run(source, 'branch', '--delete', '--force', 'agent-flow/old');
  run(source, 'branch', 'agent-flow');
  t.regex(branchProblem(found, 'agent-flow')!.problem, /git branch --move agent-flow NAME$/);
  run(source, 'pack-refs', '--all');
  t.regex(branchProblem(found, 'agent-flow')!.problem, /git branch --move agent-flow NAME$/);
});

test('files full of blanks and line ends are read in linear time', t => {
  const source = repository(join(folder(t), 'source'));
  run(source, 'pack-refs', '--all');
  const packed = readFileSync(join(source, '.git/packed-refs'), 'utf8');
  writeFileSync(join(source, '.git/packed-refs'), `${'\n'.repeat(2 ** 26)}${packed.trimEnd()}`);
  const began = Date.now();
  const found = findRepository(source);
  if ('problem' in found) return t.fail(found.problem);
  t.is(headCommit(found), packed.trimEnd().split('\n').at(-1)!.split(' ')[0]!);
  for (const blank of ['\n', '\r', ' ', '\u2028', '\v', 'a\n', 'a ', 'a=', '=\n'])
    t.true(
      parseGitConfig(`${blank.repeat(2 ** 19)}\n x = y\n`)
        .at(-1)![0]
        .endsWith('y'),
      JSON.stringify(blank),
    );
  t.true(Date.now() - began < 20_000);
});

test('the mounted roots of a repository are not below a directory that an agent can write', t => {
  const plain = { root: '/p/source', gitDir: '/p/source/.git', commonDir: '/p/source/.git' };
  t.deepEqual(repositoryRoots(plain, []), ['/p/source']);
  t.deepEqual(repositoryRoots(plain, ['/p']), ['/p']);
  t.deepEqual(repositoryRoots(plain, ['/p/source', '/p/source/lib']), ['/p/source']);
  const linked = { root: '/l', gitDir: '/p/source/.git/worktrees/l', commonDir: '/p/source/.git' };
  t.deepEqual(repositoryRoots(linked, []), ['/l', '/p/source']);
  const common = { ...linked, root: linked.commonDir };
  t.deepEqual(repositoryRoots(common, []), ['/p/source'], 'the root that contains its branches');
  t.deepEqual(repositoryRoots(common, ['/p/source']), ['/p/source']);
  const submodule = { root: '/p/lib', gitDir: '/p/.git/modules/lib', commonDir: '/p/.git/modules/lib' };
  t.deepEqual(repositoryRoots(submodule, []), ['/p']);
  t.false(isWithin('/pp', '/p'));
  t.false(isWithin('/', '/p'));
  t.true(isWithin('/p/..x', '/p'));
});
