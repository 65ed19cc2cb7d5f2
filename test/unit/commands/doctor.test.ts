import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ClientConfig } from '../../../src/doctor/client-config.ts';
import type { DockerFacts } from '../../../src/doctor/docker.ts';
import { checkEngine } from '../../../src/doctor/engine.ts';
import { checkHost } from '../../../src/doctor/host.ts';
import { checkState } from '../../../src/doctor/state.ts';
import { onPath } from '../../../src/on-path.ts';
import { createCli } from '../_helpers/command-line.ts';

const engine = {
  ServerVersion: '28.0.0',
  NCPU: 8,
  MemTotal: 16e9,
  OperatingSystem: 'Debian',
  DockerRootDir: '/nowhere',
};
const facts: DockerFacts = {
  client: 'Docker version 28.0.0',
  context: 'default',
  endpoint: 'unix:///nowhere/docker.sock',
  engine,
  problem: null,
  api: { client: '1.50', engine: '1.50' },
};
const noConfig: ClientConfig = { path: '/home/me/.docker/config.json', settings: null, problem: null };
const told = (more: Partial<DockerFacts>, env: NodeJS.ProcessEnv = {}, config = noConfig) =>
  Object.fromEntries(
    checkEngine({ ...facts, ...more }, '/usr/bin/docker', env, config).map(found => [found.check, found]),
  );

test('an engine is told of by its version, its API, its kind and where it is', t => {
  t.like(told({})['docker engine'], { status: 'ok', hint: null });
  t.regex(told({})['docker engine']!.found, /28\.0\.0, API 1\.50, Debian, at unix:/);
  const rootless = { ...engine, SecurityOptions: ['name=seccomp', 'name=rootless'] };
  t.regex(told({ engine: rootless, context: 'mine' })['docker engine']!.found, /rootless.*\(context mine\)/);
  t.regex(
    told({ engine: { ...engine, OperatingSystem: 'Docker Desktop' } })['docker engine']!.found,
    /Docker Desktop/,
  );
  const runtime = (DefaultRuntime: string) =>
    told({ engine: { ...engine, DefaultRuntime } })['docker engine']!.found;
  t.regex(runtime('nvidia'), /runtime nvidia/);
  t.notRegex(runtime('runc'), /runtime/);
});

test('where a remote engine is is told; an old one and one for another system are not passed over', t => {
  const remote = told({ endpoint: 'tcp://far:2375' }, { DOCKER_HOST: 'tcp://far:2375' })['docker engine']!;
  t.is(remote.status, 'ok');
  t.regex(remote.found, /tcp:\/\/far:2375 \(DOCKER_HOST\)/);
  const DOCKER_HOST = 'tcp://me:hush@far:2375';
  t.notRegex(told({ endpoint: DOCKER_HOST }, { DOCKER_HOST })['docker engine']!.found, /hush/);
  t.is(told({ api: { client: '1.39', engine: '1.39' } })['docker engine']!.status, 'warn');
  t.is(told({ engine: { ...engine, OSType: 'windows' } })['docker engine']!.status, 'fail');
});

test('what a silent engine needs is told by where its socket is', t => {
  const silent = { engine: null, problem: 'no response within 5 s' };
  t.regex(told(silent)['docker engine']!.hint!, /start Docker/);
  t.regex(told({ ...silent, endpoint: 'unix:///' })['docker engine']!.hint!, /restart/);
  t.regex(
    told({ ...silent, endpoint: 'tcp://far:2375', context: 'far' })['docker engine']!.hint!,
    /docker context use/,
  );
  t.deepEqual(Object.keys(told(silent)), ['docker client', 'docker engine']);
});

test('a small engine is worth a warning', t => {
  t.is(told({})['engine size']!.status, 'ok');
  t.regex(told({ engine: { ...engine, MemTotal: 2e9 } })['engine size']!.hint!, /"memory"/);
  t.is(told({ engine: { ...engine, NCPU: 1 } })['engine size']!.status, 'warn');
});

test('without buildx the legacy builder will do, unless buildx is demanded', t => {
  t.is(told({})['image builder']!.status, 'ok');
  t.is(told({}, { DOCKER_BUILDKIT: '1' })['image builder']!.status, 'fail');
  const ClientInfo = { Plugins: [{ Name: 'buildx', Version: 'v0.20' }] };
  t.is(
    told({ engine: { ...engine, ClientInfo } }, { DOCKER_BUILDKIT: '1' })['image builder']!.found,
    'buildx v0.20',
  );
});

const podman = { ...engine, ServerVersion: '4.3.1', Plugins: { Log: ['k8s-file', 'none', 'journald'] } };

test('Podman is named, with what is refused there', t => {
  const { status, found, hint } = told({ engine: podman })['docker engine']!;
  t.is(status, 'warn');
  t.regex(found, /^Podman 4\.3\.1, .*"isolated".*"gpus"/);
  t.regex(hint!, /docs\/engines\.md/);
  t.is(told({ engine: { ...engine, Plugins: { Log: ['json-file'] } } })['docker engine']!.status, 'ok');
});

test('with Podman buildx is not asked to build', t => {
  const ClientInfo = { Plugins: [{ Name: 'buildx', Version: 'v0.20' }] };
  const builder = (engine: DockerFacts['engine'], env: NodeJS.ProcessEnv = {}) =>
    told({ engine }, env)['image builder']!;
  t.is(builder({ ...podman, ClientInfo }).status, 'fail');
  t.regex(builder({ ...podman, ClientInfo }).hint!, /DOCKER_BUILDKIT=0/);
  t.is(builder({ ...podman, ClientInfo }, { DOCKER_BUILDKIT: '0' }).status, 'ok');
  t.is(builder(podman).status, 'ok');
  t.is(builder(podman, { DOCKER_BUILDKIT: '1' }).status, 'fail');
});

test("Podman's own command under the name of docker is refused", t => {
  const found = told({ client: 'podman version 4.3.1', engine: null });
  t.deepEqual(Object.keys(found), ['docker client']);
  t.is(found['docker client']!.status, 'fail');
  t.regex(found['docker client']!.hint!, /install the docker client.*DOCKER_HOST/);
});

test('a configuration that makes buildx the builder needs it, unless the environment says otherwise', t => {
  const config = { ...noConfig, settings: { aliases: { builder: 'buildx' } } };
  const status = (env: NodeJS.ProcessEnv) => told({}, env, config)['image builder']!.status;
  t.is(status({}), 'fail');
  t.is(status({ DOCKER_BUILDKIT: '0' }), 'ok');
});

test('an old Node and a missing bash fail, a missing git does not', t => {
  const found = Object.fromEntries(
    checkHost({ PATH: '/nowhere' }, '22.19.0').map(({ check, status }) => [check, status]),
  );
  t.deepEqual(found, { 'Node.js': 'fail', bash: 'fail', git: 'warn' });
  t.is(checkHost({}, '24.0.0')[0]?.status, 'ok');
});

test('a state directory that is open to others is told of, and one that is not there is not made', async t => {
  const { path } = createCli(t);
  t.like(await checkState(join(path, 'none', 'at', 'all')), { status: 'ok', hint: null });
  const open = join(path, 'open');
  mkdirSync(open, { mode: 0o755 });
  t.like(await checkState(open), { status: 'warn', hint: `chmod 700 '${open}'` });
  chmodSync(open, 0o700);
  t.like(await checkState(open), { status: 'ok', found: open });
  writeFileSync(join(path, 'file'), '');
  t.like(await checkState(join(path, 'file')), { status: 'fail' });
});

/** A PATH with bash and this `docker`, and nothing else. */
function pathWith(folder: string, docker: string | null): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const program of ['bash', 'sleep']) symlinkSync(onPath(program, process.env)!, join(bin, program));
  if (docker !== null)
    writeFileSync(join(bin, 'docker'), `#!${onPath('bash', process.env)}\n${docker}\n`, { mode: 0o755 });
  return bin;
}

test('without a docker command doctor fails with 3, and says so on one line', async t => {
  const { path, run } = createCli(t);
  const { exitCode, stdout, stderr } = await run(['doctor'], { PATH: pathWith(path, null) });
  t.is(exitCode, 3, stderr);
  t.regex(stdout, /^fail {2}docker client +— not on PATH\n {6}→ install Docker/m);
  t.regex(stderr, /1 of \d+ checks failed: agents cannot run/);
});

test('doctor ends though docker never answers, and prints what it found as JSON', async t => {
  const { path, run } = createCli(t);
  const { exitCode, stdout, timedOut } = await run(['doctor', '--json'], {
    PATH: pathWith(path, 'sleep 600'),
  });
  t.false(timedOut);
  t.is(exitCode, 3);
  t.is(stdout.split('\n').length, 1);
  const found: { check: string; status: string; found: string }[] = JSON.parse(stdout);
  t.like(
    found.find(({ check }) => check === 'docker engine'),
    { status: 'fail' },
  );
  t.regex(found.find(({ check }) => check === 'docker engine')!.found, /no response within 5 s/);
  t.true(found.some(({ check }) => check === 'state directory'));
});
