import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import type { StepError } from '../../../machines/step-error.ts';
import type { Docker } from '../../../src/docker/cli.ts';
import { type Build, buildImage, lastLines } from '../../../src/images/build.ts';
import { imageBuilder } from '../../../src/images/images.ts';
import { builtIn } from '../../../src/providers/catalogue.ts';
import { fakeClient, rejection } from '../_helpers/actor-ports.ts';
import { imageEngine } from '../_helpers/image-engine.ts';
import { folder } from '../_helpers/repositories.ts';

const idFile = (calls: readonly (readonly string[])[]) =>
  calls.flat().find(arg => arg.startsWith('--iidfile=')) ?? '';

test.serial('an image is built though TMPDIR does not exist', async t => {
  const { request, calls } = imageEngine(t, { theirs: { Config: {} } });
  const before = process.env.TMPDIR;
  process.env.TMPDIR = '/nowhere/at/all';
  t.teardown(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });
  t.regex(await request({ image: 'theirs' }), /^sha256:of tmux-agents-layer:/);
  t.regex(idFile(calls), /^--iidfile=\/(var\/)?tmp\/agent-flow-build-/);
});

test('a build of a run writes its temporary files to the folder of the run', async t => {
  const runFolder = folder(t);
  const { request, calls } = imageEngine(t, { theirs: { Config: {} } }, { runFolder });
  await request({ image: 'theirs' });
  t.true(idFile(calls).startsWith(`--iidfile=${runFolder}/agent-flow-build-`), idFile(calls));
});

test("the error of a failed build has its reason first, then the end of the output without the builder's notices", async t => {
  const talk = 'DEPRECATED: The legacy builder is deprecated\n   Install the buildx component\n\n';
  const { request } = imageEngine(
    t,
    {},
    { failure: `${talk}Step 1/2 : RUN x\n ---> Running in abc\n\x1b[91moh no\x1b[0m\nit ended with 1\n` },
  );
  const build = { context: '/here', dockerfile: 'Dockerfile', args: { B: '2', A: '1' }, target: 'last' };
  const error = (await t.throwsAsync(request({ build }))) as StepError;
  t.is(
    error.message,
    'could not build the image of /here/Dockerfile: it ended with 1\n  Step 1/2 : RUN x\n  oh no\n  it ended with 1',
  );
});

test('a build is found by its id though a concurrent one takes its tag', async t => {
  const docker: Docker = async args => {
    const idFile = args.find(arg => arg.startsWith('--iidfile='))?.slice('--iidfile='.length);
    if (idFile) writeFileSync(idFile, 'sha256:0d15\n');
    const name = args.at(-1)!;
    // The tag itself does not exist.
    const isThere = args[0] !== 'image' || name === 'sha256:0d15';
    const stdout = JSON.stringify([{ Id: name }]);
    return {
      args,
      ok: isThere,
      exitCode: isThere ? 0 : 1,
      stdout: isThere ? stdout : '',
      stderr: isThere ? '' : 'Error: No such image',
      interrupted: null,
    };
  };
  const source = folder(t);
  writeFileSync(join(source, 'Dockerfile'), 'FROM scratch\n');
  const make = imageBuilder({ docker, source }, { timeout: 1000, providers: builtIn });
  t.is(
    await make({ image: null, build: null, gpus: false, provider: 'command', user: null, timeout: 1000 }),
    'sha256:0d15',
  );
});

test("Docker's content trust applies to the user's builds, not to ours", async t => {
  const trusts: (readonly [string, boolean])[] = [];
  const docker: Docker = async (args, options) => {
    if (args[0] === 'build') {
      const kind = args
        .find(arg => arg.startsWith('--label=tmux-agents.image='))!
        .split('=')
        .at(-1)!;
      trusts.push([kind, !('DOCKER_CONTENT_TRUST' in (options?.env ?? {}))]);
    }
    const stdout =
      args[0] === 'image' ? JSON.stringify([{ Id: 'sha256:1', Os: 'linux', Architecture: 'amd64' }]) : '';
    return { args, ok: true, exitCode: 0, stdout, stderr: '', interrupted: null };
  };
  const source = folder(t);
  writeFileSync(join(source, 'Dockerfile'), 'FROM scratch\n');
  const make = imageBuilder({ docker, source }, { timeout: 1000, providers: builtIn });
  const build = { context: source, dockerfile: 'Dockerfile', args: {}, target: null };
  await make({ image: null, build, gpus: false, provider: 'command', user: null, timeout: 1000 });
  t.deepEqual(new Map(trusts).get('build'), true);
  t.true(trusts.some(([kind]) => kind !== 'build'));
  t.false(trusts.some(([kind, isTrusted]) => kind !== 'build' && isTrusted));
});

const build: Build = {
  tag: 'ours:latest',
  kind: 'base',
  operation: 'build ours:latest',
  folder: '/context',
  args: ['--file=x'],
  timeout: 5_000,
};

test('a build is labelled with its kind, and its folder cannot become an option', async t => {
  const { docker, calls } = fakeClient(([verb]) =>
    verb === 'image' ? { stdout: JSON.stringify([{ Id: 'sha256:1' }]) } : undefined,
  );
  t.is((await buildImage(build, { docker, source: '/' })).id, 'sha256:1');
  t.regex(
    calls[0]!,
    /^build --tag=ours:latest --iidfile=\S+ --label=tmux-agents\.image=base --force-rm --file=x -- \/context$/,
  );
});

test('the directory of the id file is removed after a build, also after a failed one', async t => {
  for (const stderr of ['', 'no']) {
    const directories: string[] = [];
    const { docker } = fakeClient(args => {
      if (args[0] === 'image') return { stdout: JSON.stringify([{ Id: 'sha256:1' }]) };
      const file = args.find(arg => arg.startsWith('--iidfile='))!.slice('--iidfile='.length);
      t.true(existsSync(dirname(file)));
      directories.push(dirname(file));
      return { ok: stderr === '', stderr };
    });
    await buildImage(build, { docker, source: '/' }).catch(() => {});
    t.is(directories.length, 1);
    t.false(existsSync(directories[0]!));
  }
});

test('a build that ran past its limit is a timeout', async t => {
  const { docker } = fakeClient(() => ({
    ok: false,
    exitCode: null,
    interrupted: 'timeout',
    stderr: 'half',
  }));
  const error = await rejection(buildImage(build, { docker, source: '/' }));
  t.like(error, { kind: 'timeout', message: 'the build ran past its limit, "timeouts.build"' });
});

test('an image that does not exist after its build is a transient failure', async t => {
  const { docker } = fakeClient(([verb]) =>
    verb === 'image' ? { stderr: 'Error: No such image' } : undefined,
  );
  const error = await rejection(buildImage(build, { docker, source: '/' }));
  t.like(error, { kind: 'transient' });
  t.regex(error.message, /could not build ours:latest: ours:latest does not exist after it/);
});

test("a base image that no registry gives has a hint, unless the build is the user's", async t => {
  const { docker } = fakeClient(() => ({ stderr: 'failed to solve: node:22-slim: dial tcp: no such host' }));
  const message = async (kind: Build['kind']) =>
    (await rejection(buildImage({ ...build, kind }, { docker, source: '/' }))).message;
  t.regex(await message('base'), /scripts\/base-images makes its base images/);
  t.notRegex(await message('build'), /scripts\/base-images/);
});

test('the output of a build is kept under a name without special characters, and a log that cannot be written does not fail it', async t => {
  const logs: string[] = [];
  const { docker } = fakeClient(([verb]) =>
    verb === 'image'
      ? { stdout: JSON.stringify([{ Id: 'sha256:1' }]) }
      : { stdout: 'out', stderr: 'err', ok: true },
  );
  const keepLog = (name: string, output: string) => {
    logs.push(name, output);
    throw new Error('disk full');
  };
  t.is((await buildImage(build, { docker, source: '/', keepLog })).id, 'sha256:1');
  t.deepEqual(logs, ['build-ours-latest.log', 'out\nerr\n']);
});

test('the end of an output has its last twenty lines without the notices of the builder', t => {
  const output = Array.from({ length: 30 }, (_, line) => `line ${line}\n#5 CACHED\n ---> abc\n\n`).join('');
  const kept = lastLines(output).split('\n  ');
  t.is(kept.length, 20);
  t.is(kept[0], 'line 10');
  t.is(kept.at(-1), 'line 29');
});
