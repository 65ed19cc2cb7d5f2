import test from 'ava';
import { probeFiles, type Question } from '../../../src/agent-container/file-probe.ts';
import type { Docker } from '../../../src/docker/cli.ts';
import { DockerError } from '../../../src/docker/docker-error.ts';

const identity = (...paths: string[]): Question[] => paths.map(path => ({ path, look: 'identity' }));

/** An engine that has some paths: its containers print `seen PATH` for each. */
function engine(has: (path: string) => boolean, { hasImage = true, fails = '' } = {}) {
  const calls: string[][] = [];
  let builds = 0;
  let image = hasImage;
  const docker: Docker = async args => {
    const sources = args.flatMap(arg => /^--mount=.*source=([^,]+)/.exec(arg)?.[1] ?? []);
    calls.push(sources);
    const response = (stdout: string, stderr = '') => ({
      ...{ args, ok: stderr === '', exitCode: stderr === '' ? 0 : 125, stdout, stderr, interrupted: null },
    });
    const missing = sources.find(path => !has(path));
    if (missing !== undefined)
      return response(
        '',
        `invalid mount config for type "bind": bind source path does not exist: ${missing}`,
      );
    if (fails !== '') return response('', fails);
    if (!image) return response('', 'Error response from daemon: No such image: base:latest.');
    return response(sources.map(path => `seen ${path}\n`).join(''));
  };
  const makeImage = async () => {
    builds++;
    image = true;
  };
  return {
    calls,
    builds: () => builds,
    options: { docker, images: [], makeImage, isRemapped: false },
  };
}

test('one container probes all paths, and missing ones are found by bisection', async t => {
  const all = engine(() => true);
  t.deepEqual(await probeFiles(identity('/a', '/b', '/c'), all.options), ['seen /a', 'seen /b', 'seen /c']);
  t.is(all.calls.length, 1);
  const some = engine(path => path !== '/b' && path !== '/e');
  t.deepEqual(await probeFiles(identity('/a', '/b', '/c', '/d', '/e'), some.options), [
    ...['seen /a', '', 'seen /c', 'seen /d', ''],
  ]);
  t.deepEqual(await probeFiles([], some.options), []);
});

test('a probe of many paths limits the mounts of each container', async t => {
  const { calls, options } = engine(() => true);
  const paths = Array.from({ length: 1_000 }, (_, index) => `/p${index}`);
  t.deepEqual(
    await probeFiles(identity(...paths), options),
    paths.map(path => `seen ${path}`),
  );
  t.true(calls.length <= 20);
  t.true(calls.every(mounts => mounts.length <= 100));
});

test('the base image is built once, and only if a path exists', async t => {
  const { builds, options } = engine(path => path !== '/b', { hasImage: false });
  t.deepEqual(await probeFiles(identity('/b'), options), ['']);
  t.is(builds(), 0);
  t.deepEqual(await probeFiles(identity('/a', '/b', '/c'), options), ['seen /a', '', 'seen /c']);
  t.is(builds(), 1);
});

test('without the base image the probe uses another image that has the programs', async t => {
  const tried: string[] = [];
  let builds = 0;
  const stderr: Record<string, string> = {
    'missing:1': 'Error response from daemon: No such image: missing:1',
    'bare:1': 'exec: "sh": executable file not found in $PATH: unknown.',
  };
  const docker: Docker = async args => {
    const image = args[args.indexOf('--') + 1]!;
    tried.push(image);
    const response = { args, ok: false, exitCode: 125, stdout: '', stderr: '', interrupted: null };
    if (image === 'small:1') return { ...response, exitCode: 70 };
    if (image === 'fit:1') return { ...response, ok: true, exitCode: 0, stdout: 'seen\n' };
    return { ...response, stderr: stderr[image] ?? 'No such image' };
  };
  const makeImage = async () => void builds++;
  const options = { docker, makeImage, isRemapped: false };
  const images = ['missing:1', 'bare:1', 'small:1', 'fit:1', 'unused:1'];
  t.deepEqual(await probeFiles(identity('/a'), { ...options, images }), ['seen']);
  t.deepEqual(tried.slice(1), images.slice(0, 4));
  t.is(builds, 0);
  await t.throwsAsync(probeFiles(identity('/a'), { ...options, images: images.slice(0, 3) }), {
    instanceOf: DockerError,
  });
  t.is(builds > 0, true);
});

test('the probe fails if the engine cannot run a container', async t => {
  for (const fails of ['OCI runtime create failed: no such runtime', 'no space left on device']) {
    const { options } = engine(() => true, { fails });
    const error = await t.throwsAsync(probeFiles(identity('/a', '/b'), options), { instanceOf: DockerError });
    t.regex(error?.message ?? '', /look which files the Docker engine has: .*(runtime|space)/);
  }
});

test('the probe refuses output without exactly one line per path', async t => {
  for (const stdout of ['', 'one\n', 'one\ntwo\nthree\n']) {
    const docker: Docker = async args => ({
      args,
      ok: true,
      exitCode: 0,
      stdout,
      stderr: '',
      interrupted: null,
    });
    const { options } = engine(() => true);
    await t.throwsAsync(probeFiles(identity('/a', '/b'), { ...options, docker }), {
      message: /cannot be read/,
    });
  }
});
