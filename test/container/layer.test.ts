import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { alpine, image as foreignImage, type Recipe } from '../engine/images.ts';
import { docker, dockerDir, image, runToEnd } from './box.ts';

/** Add the layer to an image by hand, as in docker/README.md. Both images are removed with the test. */
const addLayer = async (t: ExecutionContext, recipe: Recipe, args: Readonly<Record<string, string>> = {}) => {
  const source = await foreignImage(t, recipe);
  const tag = `${source}-layered`;
  const all = { BASE_IMAGE: await image, IMAGE: source, ...args };
  const built = await execa(
    'docker',
    [
      'build',
      '--network=none',
      '--force-rm',
      '--file=Dockerfile.layer',
      `--tag=${tag}`,
      ...Object.entries(all).map(([key, value]) => `--build-arg=${key}=${value}`),
      '.',
    ],
    { cwd: dockerDir, reject: false, all: true, timeout: 800_000 },
  );
  return { source, tag, built };
};

const size = async (name: string) =>
  Number((await docker(['image', 'inspect', '--format={{.Size}}', name])).stdout);

/** Return a line of a Dockerfile with a tmux that reports this version. */
const tmuxOf = (version: string) =>
  `RUN printf '#!/bin/sh\\necho tmux ${version}\\n' >/usr/bin/tmux && chmod 755 /usr/bin/tmux`;

test('the layer needs no packages and no network, and takes less than 8 MB', async t => {
  const { source, tag, built } = await addLayer(t, alpine, { IMAGE_USER: 'worker' });
  t.is(built.exitCode, 0, built.all);
  t.true((await size(tag)) - (await size(source)) < 8_000_000);
  const end = await runToEnd(t, 'id -un; echo grüße 🦊; exit 7', { of: tag });
  t.regex(end.pane, /worker\ngrüße 🦊\n/);
  t.is(end.record, 'agent-end exit 7 0 n0nce');
  t.is(end.code, 7);
});

test('agents in a layered image need no capabilities and no writable root file system', async t => {
  const { tag } = await addLayer(t, alpine, { IMAGE_USER: 'worker' });
  const end = await runToEnd(t, 'exit 3', {
    of: tag,
    options: [
      '--user=4242:4242',
      '--cap-drop=ALL',
      '--security-opt=no-new-privileges',
      '--read-only',
      '--tmpfs=/tmp',
      '--tmpfs=/run/agent:mode=1777,exec',
    ],
  });
  t.is(end.record, 'agent-end exit 3 0 n0nce');
});

test('a tmux that is too old is replaced, and a newer one is kept', async t => {
  const version = async (name: string) =>
    (await docker(['run', '--rm', '--entrypoint=tmux', name, '-V'])).stdout.trim();
  const old = await addLayer(t, `FROM debian:bookworm-slim\n${tmuxOf('2.8')}`);
  t.is(old.built.exitCode, 0, old.built.all);
  t.is(await version(old.tag), await version(await image));
  const own = await addLayer(t, `FROM debian:bookworm-slim\n${tmuxOf('3.9')}`);
  t.is(await version(own.tag), 'tmux 3.9');
});

test('an image that cannot get the layer fails with the reason in one line', async t => {
  const path = { IMAGE_PATH: '/usr/bin:/bin:/usr/local/bin' };
  const old = await addLayer(t, `FROM debian:bookworm-slim\n${tmuxOf('2.8')}`, path);
  t.not(old.built.exitCode, 0);
  t.regex(old.built.all, /agent-flow: \/usr\/bin\/tmux does not work: tmux 2\.8/);
  const bare = await addLayer(t, 'FROM debian:bookworm-slim\nRUN rm /usr/bin/sha256sum /usr/bin/mkfifo');
  t.not(bare.built.exitCode, 0);
  t.regex(bare.built.all, /agent-flow: it lacks mkfifo sha256sum/);
});
