import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { directory, parse, plan, problems } from '../_helpers/spec.ts';

for (const name of ['one/.git', 'one/deep/er', 'two/.git'])
  mkdirSync(join(directory, name), { recursive: true });

const clone = (path: string, from?: string) => ({
  workspace: { mode: 'clone', path, ...(from === undefined ? {} : { from }) },
});
const flow = (agents: Record<string, object>, defaults: object = {}) => ({
  defaults: { command: ['x'], ...defaults },
  agents,
});

test('a clone is made of the repository that contains its directory', async t => {
  t.deepEqual((await plan(clone('one/deep/er'))).workspace, {
    mode: 'clone',
    path: join(directory, 'one/deep/er'),
    repository: join(directory, 'one'),
    from: null,
  });
});

test('a workspace of mode copy has a path, and one of mode none has no path', async t => {
  t.deepEqual((await plan({ workspace: { mode: 'copy', path: 'one' } })).workspace, {
    mode: 'copy',
    path: join(directory, 'one'),
  });
  t.deepEqual((await plan({ workspace: { mode: 'none' } })).workspace, { mode: 'none' });
});

test("a path of the engine's machine is used as it is", async t => {
  const { workspace, mounts } = await plan({
    workspace: { path: '/srv/work', onHost: true },
    mounts: [{ source: '/srv/data', target: '/data', onHost: true }],
  });
  t.deepEqual(workspace, { mode: 'none' });
  t.deepEqual(mounts, [
    { source: '/srv/data', target: '/data', readOnly: true, onHost: true },
    { source: '/srv/work', target: '/workspace', readOnly: false, onHost: true },
  ]);
});

test('artifact paths are normalized, with an optional size limit', async t => {
  const { artifacts } = await plan({
    artifacts: ['./dist//report.html', { path: 'coverage/', maxSize: '2m' }],
  });
  t.deepEqual(artifacts, [
    { path: 'dist/report.html', maxSize: null },
    { path: 'coverage', maxSize: 2 * 2 ** 20 },
  ]);
});

test('an agent may start from an agent that it depends on, directly or through another', async t => {
  const { agents } = await parse(
    flow({
      fixer: clone('one'),
      tests: { ...clone('one'), dependsOn: ['fixer'] },
      review: { ...clone('one/deep', 'fixer'), dependsOn: ['tests'] },
    }),
  );
  t.like(agents[2]!.workspace, { mode: 'clone', from: 'fixer' });
});

const from = (agents: Record<string, object>, defaults?: object) => problems(flow(agents, defaults));

test('an agent that cannot be started from is refused with a hint', async t => {
  const waiting = { ...clone('one', 'fixer'), dependsOn: ['fixer'] };
  t.deepEqual(await from({ fixer: clone('one'), a: waiting }), []);
  t.regex(
    (await from({ fixer: clone('one'), a: clone('one', 'fixer') }))[0]!,
    /^agents\.a\.workspace\.from: "fixer": it is not waited for; add "fixer" to "dependsOn" of a$/,
  );
  t.regex((await from({ fixer: {}, a: waiting }))[0]!, /fixer does not work in a clone; give it "workspace"/);
  t.regex(
    (await from({ fixer: clone('two'), a: waiting }))[0]!,
    /fixer works in a clone of another repository, .*\/two; give both the same/,
  );
  t.regex(
    (await from({ fixer: clone('one'), a: clone('one', 'fixr') }))[0]!,
    /no agent has this name; did you mean "fixer"\?/,
  );
  t.regex((await from({ a: clone('one', 'a') }))[0]!, /cannot start from its own work/);
  t.regex(
    (await from({ a: {} }, clone('one', 'a')))[0]!,
    /^defaults\.workspace\.from: "a": an agent cannot start/,
  );
});
