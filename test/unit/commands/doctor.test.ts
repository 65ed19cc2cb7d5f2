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
const findings = (more: Partial<DockerFacts>, env: NodeJS.ProcessEnv = {}, config = noConfig) =>
  Object.fromEntries(
    checkEngine({ ...facts, ...more }, '/usr/bin/docker', env, config).map(found => [found.check, found]),
  );

test('an engine is reported with its version, API, platform and address', t => {
  t.like(findings({})['docker engine'], { status: 'ok', hint: null });
  t.regex(findings({})['docker engine']!.found, /28\.0\.0, API 1\.50, Debian, at unix:/);
  const rootless = { ...engine, SecurityOptions: ['name=seccomp', 'name=rootless'] };
  t.regex(
    findings({ engine: rootless, context: 'mine' })['docker engine']!.found,
    /rootless.*\(context mine\)/,
  );
  t.regex(
    findings({ engine: { ...engine, OperatingSystem: 'Docker Desktop' } })['docker engine']!.found,
    /Docker Desktop/,
  );
  const runtime = (DefaultRuntime: string) =>
    findings({ engine: { ...engine, DefaultRuntime } })['docker engine']!.found;
  t.regex(runtime('nvidia'), /runtime nvidia/);
  t.notRegex(runtime('runc'), /runtime/);
});

test('a remote engine is reported with its address; an old engine warns, and one of another system fails', t => {
  const remote = findings({ endpoint: 'tcp://far:2375' }, { DOCKER_HOST: 'tcp://far:2375' })[
    'docker engine'
  ]!;
  t.is(remote.status, 'ok');
  t.regex(remote.found, /tcp:\/\/far:2375 \(DOCKER_HOST\)/);
  const DOCKER_HOST = 'tcp://me:hush@far:2375';
  t.notRegex(findings({ endpoint: DOCKER_HOST }, { DOCKER_HOST })['docker engine']!.found, /hush/);
  t.is(findings({ api: { client: '1.39', engine: '1.39' } })['docker engine']!.status, 'warn');
  t.is(findings({ engine: { ...engine, OSType: 'windows' } })['docker engine']!.status, 'fail');
});

test('the hint for an engine that does not respond depends on its address', t => {
  const unresponsive = { engine: null, problem: 'no response within 5 s' };
  t.regex(findings(unresponsive)['docker engine']!.hint!, /start Docker/);
  t.regex(findings({ ...unresponsive, endpoint: 'unix:///' })['docker engine']!.hint!, /restart/);
  t.regex(
    findings({ ...unresponsive, endpoint: 'tcp://far:2375', context: 'far' })['docker engine']!.hint!,
    /docker context use/,
  );
  t.deepEqual(Object.keys(findings(unresponsive)), ['docker client', 'docker engine']);
});

test('a small engine is a warning', t => {
  t.is(findings({})['engine size']!.status, 'ok');
  t.regex(findings({ engine: { ...engine, MemTotal: 2e9 } })['engine size']!.hint!, /"memory"/);
  t.is(findings({ engine: { ...engine, NCPU: 1 } })['engine size']!.status, 'warn');
});

test('the legacy builder is enough, unless DOCKER_BUILDKIT requires buildx', t => {
  t.is(findings({})['image builder']!.status, 'ok');
  t.is(findings({}, { DOCKER_BUILDKIT: '1' })['image builder']!.status, 'fail');
  const ClientInfo = { Plugins: [{ Name: 'buildx', Version: 'v0.20' }] };
  t.is(
    findings({ engine: { ...engine, ClientInfo } }, { DOCKER_BUILDKIT: '1' })['image builder']!.found,
    'buildx v0.20',
  );
});

const podman = { ...engine, ServerVersion: '4.3.1', Plugins: { Log: ['k8s-file', 'none', 'journald'] } };

test('Podman is a warning that lists what is refused there', t => {
  const { status, found, hint } = findings({ engine: podman })['docker engine']!;
  t.is(status, 'warn');
  t.regex(found, /^Podman 4\.3\.1, .*"isolated".*"gpus"/);
  t.regex(hint!, /docs\/engines\.md/);
  t.is(findings({ engine: { ...engine, Plugins: { Log: ['json-file'] } } })['docker engine']!.status, 'ok');
});

test('buildx cannot build on Podman', t => {
  const ClientInfo = { Plugins: [{ Name: 'buildx', Version: 'v0.20' }] };
  const builder = (engine: DockerFacts['engine'], env: NodeJS.ProcessEnv = {}) =>
    findings({ engine }, env)['image builder']!;
  t.is(builder({ ...podman, ClientInfo }).status, 'fail');
  t.regex(builder({ ...podman, ClientInfo }).hint!, /DOCKER_BUILDKIT=0/);
  t.is(builder({ ...podman, ClientInfo }, { DOCKER_BUILDKIT: '0' }).status, 'ok');
  t.is(builder(podman).status, 'ok');
  t.is(builder(podman, { DOCKER_BUILDKIT: '1' }).status, 'fail');
});

test("Podman's own CLI under the name docker is refused", t => {
  const found = findings({ client: 'podman version 4.3.1', engine: null });
  t.deepEqual(Object.keys(found), ['docker client']);
  t.is(found['docker client']!.status, 'fail');
  t.regex(found['docker client']!.hint!, /install the docker client.*DOCKER_HOST/);
});

test('a configuration with buildx as its builder requires it, unless DOCKER_BUILDKIT is 0', t => {
  const config = { ...noConfig, settings: { aliases: { builder: 'buildx' } } };
  const status = (env: NodeJS.ProcessEnv) => findings({}, env, config)['image builder']!.status;
  t.is(status({}), 'fail');
  t.is(status({ DOCKER_BUILDKIT: '0' }), 'ok');
});

test('an old Node and a missing bash fail, and a missing git warns', t => {
  const found = Object.fromEntries(
    checkHost({ PATH: '/nowhere' }, '22.19.0').map(({ check, status }) => [check, status]),
  );
  t.deepEqual(found, { 'Node.js': 'fail', bash: 'fail', git: 'warn' });
  t.is(checkHost({}, '24.0.0')[0]?.status, 'ok');
});

test('a state directory that others can read is a warning, and a missing one is not', async t => {
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

/** Create a PATH with bash, sleep and this `docker`, and nothing else. */
function pathWith(folder: string, docker: string | null): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const program of ['bash', 'sleep']) symlinkSync(onPath(program, process.env)!, join(bin, program));
  if (docker !== null)
    writeFileSync(join(bin, 'docker'), `#!${onPath('bash', process.env)}\n${docker}\n`, { mode: 0o755 });
  return bin;
}

test('doctor exits with 3 if the docker command is missing', async t => {
  const { path, run } = createCli(t);
  const { exitCode, stdout, stderr } = await run(['doctor'], { PATH: pathWith(path, null) });
  t.is(exitCode, 3, stderr);
  t.regex(stdout, /^fail {2}docker client +— not on PATH\n {6}→ install Docker/m);
  t.regex(stderr, /1 of \d+ checks failed: agents cannot run/);
});

test('doctor ends although docker never responds, and prints its findings as JSON', async t => {
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
