import { join } from 'node:path';
import test from 'ava';
import { ensureUser } from '../../../src/images/user.ts';
import { imageEngine } from '../_helpers/image-engine.ts';

test('a user gets a name and a home in a layer without network', async t => {
  const { context, builds, source } = imageEngine(t);
  t.regex(await ensureUser('sha256:from', { uid: 1000, gid: 100 }, 1000, context), /tmux-agents-layer:/);
  const [args] = builds();
  for (const arg of [
    `--file=${join(source, 'Dockerfile.user')}`,
    '--network=none',
    '--build-arg=AGENT_UID=1000',
    '--build-arg=AGENT_GID=100',
  ])
    t.true(args!.includes(arg), arg);
});

test('the layer of one user and image is built once', async t => {
  const { context, builds } = imageEngine(t);
  const ids = [];
  for (const [image, uid, gid] of [
    ['sha256:a', 1000, 100],
    ['sha256:a', 1000, 100],
    ['sha256:a', 1001, 100],
    ['sha256:a', 1000, 101],
    ['sha256:b', 1000, 100],
  ] as const)
    ids.push(await ensureUser(image, { uid, gid }, 1000, context));
  t.is(ids[0], ids[1]);
  t.is(new Set(ids).size, 4);
  t.is(builds().length, 4);
});

test('a failed build is reported with the user', async t => {
  const { context } = imageEngine(t, {}, { failure: 'exit code: 1' });
  await t.throwsAsync(ensureUser('sha256:from', { uid: 5, gid: 6 }, 1000, context), {
    message: /^could not make the image fit for the user 5:6: /,
  });
});
