import test from 'ava';
import type { ClientConfig } from '../../../src/doctor/client-config.ts';
import type { DockerFacts } from '../../../src/doctor/docker.ts';
import { checkEngine, isDesktop, isRemote } from '../../../src/doctor/engine.ts';

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

test('a client is reported with its version and path', t => {
  t.like(findings({})['docker client'], {
    status: 'ok',
    found: 'Docker version 28.0.0 (/usr/bin/docker)',
    hint: null,
  });
});

test('a client that does not print its version fails', t => {
  const { status, hint } = findings({ client: null })['docker client']!;
  t.is(status, 'fail');
  t.regex(hint!, /docker --version/);
});

test('an engine is reported with its version, API, kind and address', t => {
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

test('an engine without a known API and endpoint is reported as far as it is known', t => {
  t.regex(
    findings({ api: null, endpoint: null, context: null })['docker engine']!.found,
    /API unknown, Debian, at the default socket$/,
  );
});

test('the address of a remote engine is reported without its password', t => {
  const remote = findings({ endpoint: 'tcp://far:2375' }, { DOCKER_HOST: 'tcp://far:2375' })[
    'docker engine'
  ]!;
  t.is(remote.status, 'ok');
  t.regex(remote.found, /tcp:\/\/far:2375 \(DOCKER_HOST\)/);
  const DOCKER_HOST = 'tcp://me:hush@far:2375';
  t.notRegex(findings({ endpoint: DOCKER_HOST }, { DOCKER_HOST })['docker engine']!.found, /hush/);
});

test('an engine older than API 1.41 causes a warning', t => {
  const status = (version: string) =>
    findings({ api: { client: version, engine: version } })['docker engine']!.status;
  t.is(status('1.39'), 'warn');
  t.is(status('1.40'), 'warn');
  t.is(status('1.41'), 'ok');
  t.is(status('2.0'), 'ok');
});

test('an engine for Windows containers fails', t => {
  t.is(findings({ engine: { ...engine, OSType: 'windows' } })['docker engine']!.status, 'fail');
  t.is(findings({ engine: { ...engine, OSType: 'linux' } })['docker engine']!.status, 'ok');
});

test('the hint for an unreachable engine depends on its address', t => {
  const silent = { engine: null, problem: 'no response within 5 s' };
  t.regex(findings(silent)['docker engine']!.hint!, /start Docker/);
  t.regex(findings({ ...silent, endpoint: 'unix:///' })['docker engine']!.hint!, /restart/);
  t.regex(
    findings({ ...silent, endpoint: 'tcp://far:2375', context: 'far' })['docker engine']!.hint!,
    /docker context use/,
  );
  t.deepEqual(Object.keys(findings(silent)), ['docker client', 'docker engine']);
});

test('the address of an unreachable engine is added unless the problem contains it', t => {
  const found = (problem: string) => findings({ engine: null, problem })['docker engine']!.found;
  t.is(found('no response'), 'no response (unix:///nowhere/docker.sock)');
  t.is(
    found('cannot connect to unix:///nowhere/docker.sock'),
    'cannot connect to unix:///nowhere/docker.sock',
  );
});

test('a small engine causes a warning', t => {
  t.is(findings({})['engine size']!.status, 'ok');
  t.regex(findings({ engine: { ...engine, MemTotal: 2e9 } })['engine size']!.hint!, /"memory"/);
  t.is(findings({ engine: { ...engine, NCPU: 1 } })['engine size']!.status, 'warn');
});

test('a machine of 4 GB is large enough, though its kernel keeps a part', t => {
  const { status, found } = findings({ engine: { ...engine, NCPU: 2, MemTotal: 4e9 } })['engine size']!;
  t.is(status, 'ok');
  t.is(found, '2 CPUs, 4.0 GB of memory');
});

test('the legacy builder suffices unless the environment requires BuildKit', t => {
  t.is(findings({})['image builder']!.status, 'ok');
  t.is(findings({}, { DOCKER_BUILDKIT: '1' })['image builder']!.status, 'fail');
  const ClientInfo = { Plugins: [{ Name: 'buildx', Version: 'v0.20' }] };
  t.is(
    findings({ engine: { ...engine, ClientInfo } }, { DOCKER_BUILDKIT: '1' })['image builder']!.found,
    'buildx v0.20',
  );
});

test('a configuration with buildx as the builder requires buildx, unless the environment overrides it', t => {
  const config = { ...noConfig, settings: { aliases: { builder: 'buildx' } } };
  const status = (env: NodeJS.ProcessEnv) => findings({}, env, config)['image builder']!.status;
  t.is(status({}), 'fail');
  t.is(status({ DOCKER_BUILDKIT: '0' }), 'ok');
});

const podman = { ...engine, ServerVersion: '4.3.1', Plugins: { Log: ['k8s-file', 'none', 'journald'] } };

test('Podman is reported by name, with the fields that it does not support', t => {
  const { status, found, hint } = findings({ engine: podman })['docker engine']!;
  t.is(status, 'warn');
  t.regex(found, /^Podman 4\.3\.1, .*"isolated".*"gpus"/);
  t.regex(hint!, /docs\/engines\.md/);
  t.is(findings({ engine: { ...engine, Plugins: { Log: ['json-file'] } } })['docker engine']!.status, 'ok');
});

test('Podman fails with buildx unless BuildKit is disabled', t => {
  const ClientInfo = { Plugins: [{ Name: 'buildx', Version: 'v0.20' }] };
  const builder = (engine: DockerFacts['engine'], env: NodeJS.ProcessEnv = {}) =>
    findings({ engine }, env)['image builder']!;
  t.is(builder({ ...podman, ClientInfo }).status, 'fail');
  t.regex(builder({ ...podman, ClientInfo }).hint!, /DOCKER_BUILDKIT=0/);
  t.is(builder({ ...podman, ClientInfo }, { DOCKER_BUILDKIT: '0' }).status, 'ok');
  t.is(builder(podman).status, 'ok');
  t.is(builder(podman, { DOCKER_BUILDKIT: '1' }).status, 'fail');
});

test("Podman's own command under the name docker is refused", t => {
  const found = findings({ client: 'podman version 4.3.1', engine: null });
  t.deepEqual(Object.keys(found), ['docker client']);
  t.is(found['docker client']!.status, 'fail');
  t.regex(found['docker client']!.hint!, /install the docker client.*DOCKER_HOST/);
});

test('an engine at a socket of this machine is local, one over TCP or SSH is remote', t => {
  const remote = (endpoint: string | null) => isRemote({ ...facts, endpoint });
  t.false(remote('unix:///var/run/docker.sock'));
  t.false(remote(null));
  t.true(remote('tcp://far:2375'));
  t.true(remote('ssh://me@far'));
});

test('Docker Desktop is recognized by its operating system', t => {
  t.true(isDesktop({ ...engine, OperatingSystem: 'Docker Desktop 4.40' }));
  t.false(isDesktop(engine));
  const { OperatingSystem: _, ...unnamed } = engine;
  t.false(isDesktop(unnamed));
});
