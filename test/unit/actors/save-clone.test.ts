import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Base } from '../../../src/actors/context.ts';
import { clearClone, saveClone } from '../../../src/actors/save-clone.ts';
import type { DockerResult } from '../../../src/docker/cli.ts';
import { agent, fakeJournal, helperPorts, never, rejection, sameFiles } from '../_helpers/actor-ports.ts';
import { folder, repository } from '../_helpers/repositories.ts';

const owner = { agent: 'a', attempt: 1 };
const commit = 'a'.repeat(40);
const branch = 'agent-flow/r1234567/a';

/** Create a clone, an out folder with the files of the collecting helper, and helpers with these replies in turn. */
function stage(
  t: ExecutionContext,
  replies: Partial<DockerResult>[],
  base: Base = { commit: 'b'.repeat(40) },
) {
  const root = folder(t);
  const source = repository(join(root, 'source'));
  const clone = join(root, 'workspace');
  mkdirSync(clone);
  const helper = helperPorts(() => {
    for (const name of ['work.bundle', 'diff.patch']) writeFileSync(join(root, 'out', name), name);
    return replies.shift();
  });
  const context = {
    ...helper.ports,
    ...fakeJournal(),
    ...sameFiles,
    plan: () => agent({ workspace: { mode: 'clone', path: source, repository: source, from: null } }),
    folder: () => root,
    clone: () => clone,
    originCommit: () => base,
    makeClone: async () => null,
    writablePlaces: [],
    livePlaces: () => [],
  };
  return { ...helper, context, root, clone, source };
}

test('work goes from the clone to a bundle, and from there to a branch of the repository', async t => {
  const { context, root, created } = stage(t, [
    { stdout: `work ${commit}\n` },
    { stdout: `delivered ${commit}\n` },
  ]);
  const { workspace, warning } = await saveClone(context, owner, never);
  t.is(warning, null);
  t.deepEqual(workspace, { branch, commit, diff: join(root, 'diff.patch'), path: null });
  t.is(readFileSync(join(root, 'diff.patch'), 'utf8'), 'diff.patch');
  t.regex(created()[0]!, /--entrypoint=agent-collect /);
  t.regex(created()[1]!, new RegExp(`--entrypoint=agent-deliver .* ${branch} ${commit} `));
  t.false(created()[1]!.includes('target=/workspace'), 'the delivering helper does not mount the clone');
  t.false(existsSync(join(root, 'bundle')));
});

test('work of an attempt whose host was lost goes to a branch of its own', async t => {
  const { context, created } = stage(t, [
    { stdout: `work ${commit}\n` },
    { stdout: `delivered ${commit}\n` },
  ]);
  const isHostLost = (name: string, attempt: number) => name === 'a' && attempt === 1;
  const { workspace } = await saveClone({ ...context, isHostLost }, owner, never);
  t.is(workspace!.branch, `${branch}.attempt-1`);
  t.regex(created()[1]!, new RegExp(`--entrypoint=agent-deliver .* ${branch}\\.attempt-1 ${commit} `));
});

test('an unchanged clone has no workspace to report', async t => {
  const { context, created } = stage(t, [{ stdout: 'nothing\n' }]);
  t.deepEqual(await saveClone(context, owner, never), { workspace: null, warning: null });
  t.is(created().length, 1);
});

test('work that the repository refuses stays in the clone, and the warning names both', async t => {
  const { context, clone, source } = stage(t, [
    { stdout: `work ${commit}\n` },
    { ok: false, stdout: 'failed it is locked\n' },
  ]);
  const { workspace, warning } = await saveClone(context, owner, never);
  t.deepEqual(workspace, { branch: null, commit: null, diff: null, path: clone });
  t.true(warning!.includes(`${source} did not take it: it is locked`));
  t.true(warning!.endsWith(`Its clone is left in ${clone}`));
});

test('work that was collected in part is saved, and the rest stays in the clone', async t => {
  const { context, clone } = stage(t, [
    { ok: false, stdout: `work ${commit}\nleft a file is too large\n` },
    { stdout: `delivered ${commit}\n` },
  ]);
  const { workspace, warning } = await saveClone(context, owner, never);
  t.like(workspace, { branch, commit, path: clone });
  t.regex(warning!, /a file is too large/);
});

test('without a base, or without time, the clone is left as it is', async t => {
  const { context, clone, created } = stage(t, [], { problem: 'no commit was recorded' });
  t.like((await saveClone(context, owner, never)).workspace, { path: clone });
  const { context: other } = stage(t, []);
  t.regex((await saveClone(other, owner, AbortSignal.abort())).warning!, /there was no time left/);
  t.deepEqual(created(), []);
});

test('an unreachable engine rejects, and the retry is left to the machine', async t => {
  const { context } = stage(t, [{ stderr: 'Cannot connect to the Docker daemon at unix:///x.' }]);
  t.is((await rejection(saveClone(context, owner, never))).kind, 'unreachable');
});

test('a clone whose work is saved is removed with its out folder', async t => {
  const { context, root, clone } = stage(t, []);
  mkdirSync(join(root, 'out'));
  await clearClone(context, owner, never);
  t.false(existsSync(clone));
  t.false(existsSync(join(root, 'out')));
});
