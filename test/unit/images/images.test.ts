import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { StepError } from '../../../machines/step-error.ts';
import { imageEngine } from '../_helpers/image-engine.ts';

test('an image with the in-container commands is used unchanged', async t => {
  const { request, builds } = imageEngine(t, {
    mine: { Config: { Labels: { 'tmux-agents.protocol': '2' } } },
  });
  t.is(await request({ image: 'mine' }), 'sha256:mine');
  t.deepEqual(builds(), []);
});

test('an image with the in-container commands but a PATH without them gets the layer', async t => {
  const Labels = { 'tmux-agents.protocol': '2' };
  const own = { Config: { Labels, Env: ['PATH=/opt/tool/bin:/usr/bin'] } };
  const empty = { Config: { Labels, Env: ['PATH='] } };
  const common = { Config: { Labels, Env: ['PATH=/opt/tool/bin:/usr/local/bin'] } };
  const { request, builds } = imageEngine(t, { own, empty, common });
  for (const image of ['own', 'empty', 'common']) await request({ image });
  t.is(builds().length, 2);
  t.true(builds()[0]!.includes('--build-arg=IMAGE_PATH=/opt/tool/bin:/usr/bin:/usr/local/bin'));
});

test('two names of one image share one layer, also concurrently', async t => {
  const image = { Id: 'sha256:0123456789abcdef' };
  const { request, builds } = imageEngine(t, { one: image, two: image });
  const [one, two] = await Promise.all([request({ image: 'one' }), request({ image: 'two' })]);
  t.is(one, two);
  t.is(builds().length, 1);
});

test('an agent with GPUs and without an image gets the image with CUDA', async t => {
  const { request, builds, source } = imageEngine(t, {});
  t.is(await request({ gpus: true }), 'sha256:of tmux-agents-base-gpu:latest');
  t.true(builds().some(args => args.includes(`--file=${join(source, 'Dockerfile.gpu')}`)));
  t.true(builds().some(args => args.includes('--label=tmux-agents.image=gpu')));
});

test('the base image is built if it does not exist', async t => {
  const { request, builds } = imageEngine(t, { 'tmux-agents-base:latest': { Id: 'sha256:old' } });
  t.is(await request({}), 'sha256:of tmux-agents-base:latest');
  t.is(builds().length, 1);
});

test('an image that the engine lacks is pulled, one that it has is not', async t => {
  const { request, calls } = imageEngine(t, {}, { registry: { '-theirs': { Config: {} } } });
  await request({ image: '-theirs' });
  await request({ image: '-theirs' });
  t.deepEqual(
    calls.filter(([verb]) => verb === 'pull'),
    [['pull', '--quiet', '--', '-theirs']],
  );
});

test('an image that neither the engine nor a registry has is reported with a hint', async t => {
  const { request } = imageEngine(t);
  const error = (await t.throwsAsync(request({ image: 'theirs' }))) as StepError;
  t.is(error.kind, 'image');
  t.regex(
    error.message,
    /^could not pull the image theirs, which does not exist locally: .*manifest unknown/s,
  );
  t.regex(error.message, /\. Check its name, or build it here first$/);
});

test('agents of one image and user share an image for the user, root needs none', async t => {
  const { request, builds } = imageEngine(t);
  const user = { uid: 1000, gid: 1000 };
  const [one, two] = await Promise.all([request({ user }), request({ user })]);
  t.is(one, two);
  t.is(builds().length, 1);
  t.is(await request({ user: { uid: 0, gid: 5 } }), 'sha256:ba5e');
  t.not(await request({ user: { uid: 1001, gid: 1000 } }), one);
});

test('the CLI of a provider is added below the user', async t => {
  const { request, builds, source } = imageEngine(t);
  mkdirSync(join(source, 'provider'));
  t.regex(
    await request({ provider: 'claude', user: { uid: 1000, gid: 1000 } }),
    /^sha256:of tmux-agents-layer:/,
  );
  const labels = builds().map(args => args.find(arg => arg.startsWith('--label=tmux-agents.image=')));
  t.deepEqual(labels, ['--label=tmux-agents.image=provider', '--label=tmux-agents.image=layer']);
});
