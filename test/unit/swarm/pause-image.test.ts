import { createHash } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import type { DockerOptions } from '../../../src/docker/cli.ts';
import { ensurePauseImage, pauseImage, pauseTag } from '../../../src/swarm/pause-image.ts';
import { pauseProgram } from '../../../src/swarm/pause-program.ts';
import { fakeClient, never, rejection } from '../_helpers/actor-ports.ts';
import { readTar } from '../_helpers/read-tar.ts';

const image = pauseImage('linux/amd64')!;
const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');

const filesOf = (t: ExecutionContext, archive: Buffer) =>
  new Map(readTar(t, archive).map(({ entry, content }) => [entry.path, { mode: entry.mode, content }]));

test('an image runs the program of its platform, and is loaded by its manifest', t => {
  for (const architecture of ['amd64', 'arm64']) {
    const { id, archive } = pauseImage(`linux/${architecture}`)!;
    const files = filesOf(t, archive);
    const [manifest] = JSON.parse(files.get('manifest.json')!.content.toString());
    t.deepEqual(manifest.RepoTags, [pauseTag]);
    const config = files.get(manifest.Config)!.content;
    t.is(id, `sha256:${sha256(config)}`);
    const { os, rootfs, config: container, ...rest } = JSON.parse(config.toString());
    t.like({ os, ...rest }, { os: 'linux', architecture });
    t.deepEqual(container, { Entrypoint: ['/pause'], Labels: { 'tmux-agents.image': 'pause' } });
    t.deepEqual(
      rootfs.diff_ids,
      manifest.Layers.map((layer: string) => `sha256:${sha256(files.get(layer)!.content)}`),
    );
    const program = filesOf(t, files.get(manifest.Layers[0])!.content).get('pause')!;
    t.deepEqual(program, { mode: 0o755, content: pauseProgram(architecture)! });
  }
});

test('the id of an image is always the same, and another one for another platform', t => {
  t.is(pauseImage('linux/amd64')!.id, image.id);
  t.not(pauseImage('linux/arm64')!.id, image.id);
});

test('there is no image for a platform without a program', t => {
  for (const platform of [null, '', 'linux', 'linux/arm', 'windows/amd64', 'amd64'])
    t.is(pauseImage(platform), null);
});

const missing = { stderr: `Error: No such image: ${pauseTag}\n` };

test('an image that exists is not loaded', async t => {
  const { docker, calls } = fakeClient(() => ({ stdout: `${image.id}\n` }));
  t.deepEqual(await ensurePauseImage(docker, image, never), { wasThere: true, id: image.id });
  t.deepEqual(calls, [`image inspect --format={{.Id}} -- ${pauseTag}`]);
});

test('a missing image is loaded from its archive, and has the id of the engine', async t => {
  let isLoaded = false;
  const loads: DockerOptions[] = [];
  const { docker, calls } = fakeClient(([verb], options) => {
    if (verb !== 'load') return isLoaded ? { stdout: 'sha256:other\n' } : missing;
    isLoaded = true;
    loads.push(options);
    return undefined;
  });
  t.deepEqual(await ensurePauseImage(docker, image, never), { wasThere: false, id: 'sha256:other' });
  t.deepEqual(
    calls.map(call => call.split(' ')[0]),
    ['image', 'load', 'image'],
  );
  t.true(loads[0]!.isMutation);
  t.is(loads[0]!.input, image.archive);
});

test('an engine that does not say that the image is missing is not loaded into', async t => {
  const { docker, calls } = fakeClient(() => ({ stderr: 'Error response from daemon: what?' }));
  const error = await rejection(ensurePauseImage(docker, image, never));
  t.like(error, { kind: 'transient', message: `could not look for the image ${pauseTag}: what?` });
  t.is(calls.length, 1);
});

test('an image that cannot be loaded, or is missing afterwards, is an error', async t => {
  const full = fakeClient(([verb]) => (verb === 'load' ? { stderr: 'no space left on device' } : missing));
  const refused = await rejection(ensurePauseImage(full.docker, image, never));
  t.is(refused.kind, 'outOfResources');
  t.regex(refused.message, /^could not load the image tmux-agents-pause:latest: no space left on device/);
  const lost = fakeClient(([verb]) => (verb === 'load' ? undefined : missing));
  t.regex(
    (await rejection(ensurePauseImage(lost.docker, image, never))).message,
    /^could not look for the image/,
  );
});
