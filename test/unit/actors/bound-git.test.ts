import { existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { misplacedMount, protectGit, reportGitChanges } from '../../../src/actors/bound-git.ts';
import { agent, fakeJournal } from '../_helpers/actor-ports.ts';
import { folder, repository } from '../_helpers/repositories.ts';

const owner = { agent: 'a', attempt: 1 };

function stage(t: ExecutionContext, { isShared = false } = {}) {
  const root = folder(t);
  const workspace = repository(join(root, 'repo'));
  const attempt = join(root, 'attempt');
  const journal = fakeJournal();
  const world = {
    plan: () => agent({ workspace: { mode: 'bind', path: workspace } }),
    folder: () => attempt,
    clone: () => null,
    isShared: () => isShared,
    emit: journal.emit,
  };
  return { ...journal, world, workspace, attempt };
}

test('git configuration and hooks of a bound repository are copied before the container exists', async t => {
  const { world, attempt } = stage(t);
  const paths = await protectGit(world, owner);
  t.true(paths.some(({ path }) => path === '.git/config'));
  t.true(
    paths.every(({ snapshot }) => snapshot.startsWith(join(attempt, 'protected')) && existsSync(snapshot)),
  );
});

test('nothing is mounted over a workspace that another agent can write to', async t => {
  const { world } = stage(t, { isShared: true });
  t.deepEqual(await protectGit(world, owner), []);
});

test('an agent without a bound workspace has nothing to protect, and nothing to report', async t => {
  const { world, events } = stage(t);
  const none = { ...world, plan: () => agent({ workspace: { mode: 'none' } }) };
  t.deepEqual(await protectGit(none, owner), []);
  await reportGitChanges(none, owner);
  t.deepEqual(events, []);
});

test('a change of what git executes is one warning that names the file, and a resumed run does not repeat it', async t => {
  const { world, workspace, messages } = stage(t);
  await protectGit(world, owner);
  mkdirSync(join(workspace, '.git', 'hooks'), { recursive: true });
  writeFileSync(join(workspace, '.git', 'hooks', 'post-checkout'), '#!/bin/sh\n', { mode: 0o755 });
  await reportGitChanges(world, owner);
  await reportGitChanges(world, owner);
  t.is(messages().length, 1);
  t.regex(messages()[0]!, /post-checkout.*Check it before you use git there/);
});

test('an agent that changes nothing of git is not reported', async t => {
  const { world, workspace, events } = stage(t);
  await protectGit(world, owner);
  writeFileSync(join(workspace, 'new.txt'), '');
  await reportGitChanges(world, owner);
  t.deepEqual(events, []);
});

test('a protected path whose directory has become a link is a mount problem', async t => {
  const { world, workspace } = stage(t);
  await protectGit(world, owner);
  t.is(misplacedMount(world, owner), null);
  renameSync(join(workspace, '.git'), join(workspace, 'elsewhere'));
  symlinkSync('elsewhere', join(workspace, '.git'));
  t.is(typeof misplacedMount(world, owner), 'string');
});
