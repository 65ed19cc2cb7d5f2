import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { alpine, type Recipe, image as stranger } from '../engine/images.ts';
import { docker, dockerDir, image, runToEnd } from './box.ts';

/** Makes an image fit by hand, as docker/README.md says. What it is built on goes with the test, and so does it. */
const madeFit = async (t: ExecutionContext, recipe: Recipe, args: Readonly<Record<string, string>> = {}) => {
  const ground = await stranger(t, recipe);
  const tag = `${ground}-fit`;
  const all = { BASE_IMAGE: await image, IMAGE: ground, ...args };
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
  return { ground, tag, built };
};

const size = async (name: string) =>
  Number((await docker(['image', 'inspect', '--format={{.Size}}', name])).stdout);

/** Of this version by its own word. */
const tmuxOf = (version: string) =>
  `RUN printf '#!/bin/sh\\necho tmux ${version}\\n' >/usr/bin/tmux && chmod 755 /usr/bin/tmux`;

test('an image is made fit without packages and without a network, by less than 8 MB', async t => {
  const { ground, tag, built } = await madeFit(t, alpine, { IMAGE_USER: 'worker' });
  t.is(built.exitCode, 0, built.all);
  t.true((await size(tag)) - (await size(ground)) < 8_000_000);
  const end = await runToEnd(t, 'id -un; echo grüße 🦊; exit 7', { of: tag });
  t.regex(end.pane, /worker\ngrüße 🦊\n/);
  t.is(end.record, 'agent-end exit 7 0 n0nce');
  t.is(end.code, 7);
});

test('agents in such an image need no capabilities and no writable root file system', async t => {
  const { tag } = await madeFit(t, alpine, { IMAGE_USER: 'worker' });
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

test('a tmux that is too old is passed over, and one that is not is kept', async t => {
  const version = async (name: string) =>
    (await docker(['run', '--rm', '--entrypoint=tmux', name, '-V'])).stdout.trim();
  const old = await madeFit(t, `FROM debian:bookworm-slim\n${tmuxOf('2.8')}`);
  t.is(old.built.exitCode, 0, old.built.all);
  t.is(await version(old.tag), await version(await image));
  const own = await madeFit(t, `FROM debian:bookworm-slim\n${tmuxOf('3.9')}`);
  t.is(await version(own.tag), 'tmux 3.9');
});

test('what makes an image unfit is said in one line', async t => {
  const path = { IMAGE_PATH: '/usr/bin:/bin:/usr/local/bin' };
  const old = await madeFit(t, `FROM debian:bookworm-slim\n${tmuxOf('2.8')}`, path);
  t.not(old.built.exitCode, 0);
  t.regex(old.built.all, /agent-flow: \/usr\/bin\/tmux does not work: tmux 2\.8/);
  const bare = await madeFit(t, 'FROM debian:bookworm-slim\nRUN rm /usr/bin/sha256sum /usr/bin/mkfifo');
  t.not(bare.built.exitCode, 0);
  t.regex(bare.built.all, /agent-flow: it lacks mkfifo sha256sum/);
});
