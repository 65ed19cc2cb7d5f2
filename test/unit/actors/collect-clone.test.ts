import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { collectClone } from '../../../src/actors/collect-clone.ts';
import { folderClone } from '../../../src/actors/folder-clone.ts';
import type { CloneRequest } from '../../../src/actors/make-clone.ts';
import { agent, fakeJournal, helperPorts, never, rejection } from '../_helpers/actor-ports.ts';
import { folder } from '../_helpers/repositories.ts';

const owner = { agent: 'a', attempt: 1 };
const commit = 'a'.repeat(40);
const request = { base: 'b'.repeat(40), branch: 'work', refs: 'refs/agent-flow/x' };

function stage(
  t: ExecutionContext,
  respond: Parameters<typeof helperPorts>[0],
  problem: string | null = null,
) {
  const root = folder(t);
  const helper = helperPorts(respond);
  const clones: CloneRequest[] = [];
  const context = {
    ...helper.ports,
    ...fakeJournal(),
    plan: () => agent({ workspace: { mode: 'clone', path: '/repo', repository: '/repo', from: null } }),
    folder: () => root,
    writablePlaces: [],
    livePlaces: () => [],
    async makeClone(_: object, clone: CloneRequest) {
      clones.push(clone);
      mkdirSync(clone.target, { recursive: true });
      return problem;
    },
  };
  const files = folderClone(context, owner, join(root, 'workspace'));
  return { ...helper, files, root, clones };
}

test('the helper that bundles the work mounts only the clone and the out folder', async t => {
  const { files, root, created } = stage(t, `work ${commit}\n`);
  t.deepEqual(await collectClone(files, request, never), { commit, hasRefs: false, left: null });
  t.regex(created()[0]!, /--entrypoint=agent-collect --workdir=\/ --user=0 /);
  t.true(created()[0]!.includes(`source=${join(root, 'workspace')},target=/workspace`));
  t.true(created()[0]!.includes(`source=${join(root, 'out')},target=/out`));
});

test('an earlier result in the out folder is removed first', async t => {
  const { files, root } = stage(t, 'nothing\n');
  mkdirSync(join(root, 'out'));
  writeFileSync(join(join(root, 'out'), 'work.bundle'), 'old');
  t.deepEqual(await collectClone(files, request, never), {
    commit: null,
    hasRefs: false,
    left: null,
  });
  t.false(existsSync(join(join(root, 'out'), 'work.bundle')));
});

test('commits that are on no branch are collected as refs', async t => {
  const { files } = stage(t, 'refs 2\n');
  t.deepEqual(await collectClone(files, request, never), {
    commit: null,
    hasRefs: true,
    left: null,
  });
});

test('work that was collected in part has the reason of the helper', async t => {
  const { files } = stage(t, () => ({ ok: false, stdout: `work ${commit}\nleft too many files\n` }));
  t.deepEqual(await collectClone(files, request, never), {
    commit,
    hasRefs: false,
    left: 'too many files',
  });
});

test('a damaged git directory is replaced by that of a spare clone, which is removed again', async t => {
  let tries = 0;
  const { files, root, created, clones } = stage(t, () =>
    ++tries === 1 ? { ok: false, stdout: 'left damaged\n' } : { stdout: `work ${commit}\n` },
  );
  t.is((await collectClone(files, request, never)).commit, commit);
  const spare = join(root, 'spare');
  t.deepEqual(clones, [{ repository: '/repo', commit: request.base, branch: 'work', target: spare }]);
  t.true(created()[1]!.includes(`source=${spare},target=/spare`));
  t.false(existsSync(spare));
});

test('without a spare clone a damaged git directory rejects, and nothing is left of the spare', async t => {
  const { files, root } = stage(t, 'left damaged\n', 'no space');
  const error = await rejection(collectClone(files, request, never));
  t.regex(error.message, /its \.git is damaged, and no other can be made: no space/);
  t.false(existsSync(join(root, 'spare')));
});
