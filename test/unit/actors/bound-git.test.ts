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
  const context = {
    plan: () => agent({ workspace: { mode: 'bind', path: workspace } }),
    folder: () => attempt,
    clone: () => null,
    isShared: () => isShared,
    gitSetting: async () => null,
    emit: journal.emit,
  };
  return { ...journal, context, workspace, attempt };
}

test('git configuration and hooks of a bound repository are copied before the container exists', async t => {
  const { context, attempt } = stage(t);
  const paths = await protectGit(context, owner);
  t.true(paths.some(({ path }) => path === '.git/config'));
  t.true(
    paths.every(({ snapshot }) => snapshot.startsWith(join(attempt, 'protected')) && existsSync(snapshot)),
  );
});

test('nothing is mounted over a workspace that another agent can write to', async t => {
  const { context } = stage(t, { isShared: true });
  t.deepEqual(await protectGit(context, owner), []);
});

test('an agent without a bound workspace has nothing to protect, and nothing to report', async t => {
  const { context, events } = stage(t);
  const none = { ...context, plan: () => agent({ workspace: { mode: 'none' } }) };
  t.deepEqual(await protectGit(none, owner), []);
  await reportGitChanges(none, owner);
  t.deepEqual(events, []);
});

test('a change to a file that git executes is one warning with its name, which a resumed run does not repeat', async t => {
  const { context, workspace, messages } = stage(t);
  await protectGit(context, owner);
  mkdirSync(join(workspace, '.git', 'hooks'), { recursive: true });
  writeFileSync(join(workspace, '.git', 'hooks', 'post-checkout'), '#!/bin/sh\n', { mode: 0o755 });
  await reportGitChanges(context, owner);
  await reportGitChanges(context, owner);
  t.is(messages().length, 1);
  t.regex(messages()[0]!, /post-checkout.*Check it before you use git there/);
});

test('changes outside the git files are not reported', async t => {
  const { context, workspace, events } = stage(t);
  await protectGit(context, owner);
  writeFileSync(join(workspace, 'new.txt'), '');
  await reportGitChanges(context, owner);
  t.deepEqual(events, []);
});

test('a protected path whose directory has become a link is a mount problem', async t => {
  const { context, workspace } = stage(t);
  await protectGit(context, owner);
  t.is(misplacedMount(context, owner), null);
  renameSync(join(workspace, '.git'), join(workspace, 'elsewhere'));
  symlinkSync('elsewhere', join(workspace, '.git'));
  t.is(typeof misplacedMount(context, owner), 'string');
});
