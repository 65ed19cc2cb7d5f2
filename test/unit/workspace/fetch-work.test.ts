import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ensureClone } from '../../../src/workspace/clone.ts';
import { fetchWork } from '../../../src/workspace/fetch-work.ts';
import { git } from '../../../src/workspace/git.ts';
import { commit, folder, hashes, head, repository, run } from './repositories.ts';

const branch = 'agent-flow/r1234567/fixer';

/** A repository, and a bundle of what an agent did in its clone. */
async function worked(base: string) {
  const source = repository(join(base, 'source'));
  const target = join(base, 'clone');
  const signal = new AbortController().signal;
  await ensureClone(git, { repository: source, commit: head(source), branch, target }, signal);
  commit(target, { 'b.txt': 'b\n' });
  const bundle = join(base, 'work.bundle');
  run(target, 'bundle', 'create', '--quiet', bundle, branch, `^${head(source)}`);
  return { source, bundle, commit: head(target) };
}

const isNew = (name: string) =>
  /^\.git\/(objects|refs\/heads\/agent-flow|logs\/refs\/heads\/agent-flow)/.test(name);

test('work comes as one branch, and nothing else of the repository changes', async t => {
  const { source, bundle, commit } = await worked(folder(t));
  writeFileSync(join(source, '.git', 'hooks', 'reference-transaction'), '#!/bin/sh\ntouch ran\n', {
    mode: 0o755,
  });
  const before = hashes(source, isNew);
  t.deepEqual(await fetchWork(git, { repository: source, bundle, branch }), { commit });
  t.is(head(source, branch), commit);
  t.deepEqual(hashes(source, isNew), before);
});

test('work that is fetched again moves its branch, unless somebody has it checked out', async t => {
  const { source, bundle, commit } = await worked(folder(t));
  run(source, 'branch', branch);
  t.deepEqual(await fetchWork(git, { repository: source, bundle, branch }), { commit });
  run(source, 'reset', '--quiet', '--soft', commit);
  run(source, 'update-ref', `refs/heads/${branch}`, 'HEAD~');
  run(source, 'symbolic-ref', 'HEAD', `refs/heads/${branch}`);
  const refused = await fetchWork(git, { repository: source, bundle, branch });
  t.regex('fault' in refused ? refused.fault : '', /checked out/);
});

test('a file that is no bundle is refused', async t => {
  const { source, bundle } = await worked(folder(t));
  writeFileSync(bundle, 'nothing of the kind');
  t.true('fault' in (await fetchWork(git, { repository: source, bundle, branch })));
});
