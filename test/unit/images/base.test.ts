import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { baseTag, buildBaseImage, ensureBaseImage } from '../../../src/images/base.ts';
import { contentHash } from '../../../src/images/content.ts';
import { type FakeImage, imageEngine } from '../_helpers/image-engine.ts';

const tag = 'tmux-agents-base:latest';
const labelled = (labels: Readonly<Record<string, string>>): FakeImage => ({
  Id: 'sha256:found',
  Config: { Labels: labels },
});

test('a base image of the protocol that was built by hand is used unchanged', async t => {
  const { context, builds } = imageEngine(t, { [tag]: labelled({ 'tmux-agents.protocol': '2' }) });
  t.is((await ensureBaseImage('base', 1000, context)).id, 'sha256:found');
  t.deepEqual(builds(), []);
});

test('a base image of the same content is used, one of other content or another protocol is rebuilt', async t => {
  const { context: own } = imageEngine(t);
  const content = await contentHash(own.source);
  const built = async (labels: Readonly<Record<string, string>>) => {
    const { context, builds } = imageEngine(t, { [tag]: labelled(labels) });
    await ensureBaseImage('base', 1000, context);
    return builds().length;
  };
  t.is(await built({ 'tmux-agents.protocol': '2', 'tmux-agents.content': content }), 0);
  t.is(await built({ 'tmux-agents.protocol': '2', 'tmux-agents.content': 'f00d' }), 1);
  t.is(await built({ 'tmux-agents.protocol': '0', 'tmux-agents.content': content }), 1);
  t.is(await built({}), 1);
});

test('a missing base image is built with the hash of its content', async t => {
  const { context, builds, source } = imageEngine(t);
  t.is((await ensureBaseImage('gpu', 1000, context)).id, `sha256:of ${baseTag('gpu')}`);
  t.deepEqual(builds(), [
    [
      'build',
      '--tag=tmux-agents-base-gpu:latest',
      '--label=tmux-agents.image=gpu',
      '--force-rm',
      `--file=${join(source, 'Dockerfile.gpu')}`,
      `--label=tmux-agents.content=${await contentHash(source)}`,
      '--',
      source,
    ],
  ]);
});

test('a build may name its parent image and skip the cache', async t => {
  const { context, builds } = imageEngine(t, { [tag]: labelled({ 'tmux-agents.protocol': '2' }) });
  await buildBaseImage('base', { timeout: 1000, noCache: true, from: 'node:24' }, context);
  const [args] = builds();
  t.true(args!.includes('--no-cache'));
  t.true(args!.includes('--build-arg=BASE_IMAGE=node:24'));
});

test('a change of the content rebuilds an image that agent-flow built', async t => {
  const { context, builds, source } = imageEngine(t);
  const before = await contentHash(source);
  writeFileSync(join(source, 'added'), 'x');
  const { context: later, builds: laterBuilds } = imageEngine(t, {
    [tag]: labelled({ 'tmux-agents.protocol': '2', 'tmux-agents.content': before }),
  });
  await ensureBaseImage('base', 1000, { ...later, source: context.source });
  t.is(laterBuilds().length, 1);
  t.is(builds().length, 0);
});
