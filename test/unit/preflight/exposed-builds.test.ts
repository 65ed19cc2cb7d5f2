import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { StepError } from '../../../machines/step-error.ts';
import { buildExposed, exposedBuilds } from '../../../src/preflight/exposed-builds.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { folder } from '../_helpers/repositories.ts';

const never = new AbortController().signal;

/** A builder whose images have the current content of a Dockerfile. */
function fixture(more: { file?: string | null; exists?: boolean; failure?: () => StepError | null } = {}) {
  const { file = null, exists = true, failure = () => null } = more;
  const state = { dockerfile: 'of the user', builds: 0 };
  const build = async (request: string) => {
    state.builds++;
    const error = failure();
    if (error) throw error;
    return `${request} ${state.dockerfile}`;
  };
  const open = () => buildExposed({ requests: ['exposed'], file, build, exists: async () => exists });
  return { state, build, open };
}

test('only a build whose context or Dockerfile an agent can write is exposed', t => {
  const base = folder(t);
  const at = (path: string) => join(base, path);
  for (const path of ['proj/sub', 'other']) mkdirSync(at(path), { recursive: true });
  for (const path of ['Dockerfile', 'proj/Dockerfile', 'proj/sub/Dockerfile', 'other/Dockerfile'])
    writeFileSync(at(path), 'FROM scratch\n');
  const isExposed = (context: string, dockerfile: string, agent: Partial<AgentPlan>) => {
    const build = { context: at(context), dockerfile, args: {}, target: null };
    const builder: AgentPlan = { ...defaultPlan, workspace: { mode: 'none' }, build };
    const agents = [builder, { ...defaultPlan, name: 'writer', ...agent }];
    return exposedBuilds({ name: 'f', concurrency: null, agents }).length === 1;
  };
  const proj: Partial<AgentPlan> = { workspace: { mode: 'bind', path: at('proj') } };
  const mounted = {
    workspace: { mode: 'none' },
    mounts: [{ source: at('proj'), target: '/m', readOnly: false }],
  } as const;
  for (const writer of [proj, mounted]) {
    t.true(isExposed('proj', 'Dockerfile', writer));
    t.true(isExposed('proj/sub', 'Dockerfile', writer), 'below');
    t.true(isExposed('.', 'Dockerfile', writer), 'above');
    t.true(isExposed('other', '../proj/Dockerfile', writer), 'only its Dockerfile');
    t.false(isExposed('other', 'Dockerfile', writer));
  }
  t.false(isExposed('proj', 'Dockerfile', { workspace: { mode: 'copy', path: at('proj') } }));
});

test('exposed images are built before any agent starts, and never from files that an agent wrote', async t => {
  const { state, build, open } = fixture({ file: join(folder(t), 'images.json') });
  const image = open();
  t.is(await image('other', never), null, 'another agent gets no image');
  t.is(state.builds, 1, 'another agent waits for the build');
  state.dockerfile = 'of the agent';
  t.is(await image('exposed', never), 'exposed of the user');
  t.is(
    await open()('exposed', never),
    'exposed of the user',
    'the image survives a restart of the supervisor',
  );
  t.is(state.builds, 1);
  t.is(await build('exposed'), 'exposed of the agent', 'control: a later build has the content of the agent');
});

test('an exposed image that was removed is not built again', async t => {
  const { state, open } = fixture({ file: join(folder(t), 'images.json'), exists: false });
  await t.throwsAsync(open()('exposed', never), {
    instanceOf: StepError,
    message: /can write.*Start the run anew/,
  });
  t.is(state.builds, 1);
});

test('a permanent build failure is kept, and a transient one fails every agent', async t => {
  let kind: 'transient' | 'image' = 'transient';
  const failure = () => new StepError(kind, 'broken', { at: 0 });
  const { state, open } = fixture({ file: join(folder(t), 'images.json'), failure });
  const image = open();
  await t.throwsAsync(image('other', never), { message: 'broken' });
  kind = 'image';
  t.is(await image('other', never), null);
  await t.throwsAsync(image('exposed', never), { message: 'broken' });
  await t.throwsAsync(image('exposed', never), { message: 'broken' });
  t.is(state.builds, 2);
});
