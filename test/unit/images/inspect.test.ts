import test from 'ava';
import { inspectImage, limits, parseImages } from '../../../src/images/inspect.ts';
import { fakeClient, rejection } from '../_helpers/actor-ports.ts';
import { engines, recordedOutput } from '../_helpers/engines.ts';

const answer = (stdout: string) => ({
  args: ['image', 'inspect'],
  ok: true,
  exitCode: 0,
  stdout,
  stderr: '',
  interrupted: null,
});

for (const engine of engines)
  test(`an image of ${engine} is parsed`, t => {
    const images = parseImages(answer(recordedOutput(engine, 'image-inspect.json')));
    t.true(images.length > 0);
    for (const { id, platform, size } of images) {
      t.regex(id, /^(sha256:)?[0-9a-f]{64}$/);
      t.is(platform.os, 'linux');
      t.true(size > 0);
    }
  });

test('fields that an image does not have are empty', t => {
  t.deepEqual(parseImages(answer('[{"Id": "sha256:1", "RepoTags": null, "Config": null}]')), [
    {
      id: 'sha256:1',
      tags: [],
      size: 0,
      platform: { os: '', arch: '' },
      labels: {},
      user: '',
      env: [],
      triggers: [],
    },
  ]);
});

test("Podman's registry prefix is removed from names", t => {
  const RepoTags = ['docker.io/library/node:22', 'docker.io/me/x:1', 'localhost/y:2', 'quay.io/docker.io/z'];
  t.deepEqual(parseImages(answer(JSON.stringify([{ Id: '1', RepoTags }])))[0]!.tags, [
    'node:22',
    'me/x:1',
    'localhost/y:2',
    'quay.io/docker.io/z',
  ]);
});

test('output that is not valid is a transient failure, and no output is no image', t => {
  t.deepEqual(parseImages(answer('')), []);
  for (const stdout of ['[{"Id": 5}]', '[{', '{}'])
    t.throws(() => parseImages(answer(stdout)), { message: /cannot be read/ }, stdout);
});

test('an image that does not exist is null, in the words of Docker and of Podman', async t => {
  for (const stderr of [
    'Error: No such image: x',
    'Error response from daemon: No such image: x',
    'Error: x: image not known',
  ]) {
    const { docker } = fakeClient(() => ({ stderr }));
    t.is(await inspectImage('x', { docker, source: '/' }), null, stderr);
  }
});

test('a lookup that fails for another reason rejects with its operation', async t => {
  const { docker, calls } = fakeClient(() => ({ stderr: 'Error response from daemon: no such driver' }));
  const error = await rejection(inspectImage('--x', { docker, source: '/' }));
  t.like(error, { kind: 'image' });
  t.regex(error.message, /look for the image --x/);
  t.deepEqual(calls, ['image inspect -- --x']);
});

test('the limits of a call have the signal of the context, if there is one', t => {
  const { docker } = fakeClient();
  const { signal } = new AbortController();
  t.deepEqual(limits({ docker, source: '/' }, 5), { timeout: 5 });
  t.deepEqual(limits({ docker, source: '/', signal }, 5), { timeout: 5, signal });
});
