import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { checkClientConfig, readClientConfig } from '../../../src/doctor/client-config.ts';
import { checkContainers } from '../../../src/doctor/containers.ts';
import { createCli } from '../_helpers/command-line.ts';

const engine = {
  ServerVersion: '28.0.0',
  NCPU: 8,
  MemTotal: 16e9,
  OSType: 'linux',
  Architecture: 'x86_64',
};
const told = (more: object, env: NodeJS.ProcessEnv = {}) =>
  Object.fromEntries(checkContainers({ ...engine, ...more }, env).map(found => [found.check, found]));

test('of an engine of the usual kind there is one line', t => {
  t.deepEqual(Object.keys(told({})), ['limits']);
  t.is(told({}).limits!.status, 'ok');
});

test('limits that the engine lacks are named, with what helps on an engine of its kind', t => {
  const small = told({ CpuCfsQuota: false, PidsLimit: false }).limits!;
  t.is(small.status, 'warn');
  t.regex(small.found, /--cpus, --pids-limit/);
  t.regex(small.hint!, /kernel/);
  const rootless = told({ CpuCfsQuota: false, SecurityOptions: ['name=rootless'] });
  t.regex(rootless.limits!.hint!, /delegate .*rootless/);
  t.is(rootless.users!.status, 'ok');
});

test('an engine that maps users is not passed over, and says to whom workspaces must belong', t => {
  const SecurityOptions = ['name=seccomp,profile=default', 'name=userns'];
  const { users } = told({ SecurityOptions, DockerRootDir: '/var/lib/docker/100000.100000' });
  t.is(users!.status, 'warn');
  t.regex(users!.found, /100000:100000 on the host \(userns-remap\)/);
  t.regex(users!.hint!, /"clone".*100000:100000/);
  t.is(told({ SecurityOptions }).users!.status, 'warn');
});

test('a default platform that is not the engine’s is told of', t => {
  t.is(told({}, { DOCKER_DEFAULT_PLATFORM: 'linux/arm64' }).platform!.status, 'warn');
  t.is(told({}, { DOCKER_DEFAULT_PLATFORM: 'linux/amd64' }).platform, undefined);
});

test('an engine that lacks docker-init is told of', t => {
  t.is(told({ InitBinary: 'docker-init', InitCommit: { ID: 'N/A' } }).init!.status, 'warn');
  for (const InitCommit of [{ ID: '' }, { ID: 'de40ad0' }, {}, null])
    t.is(told({ InitBinary: 'docker-init', InitCommit }).init, undefined);
});

test('a configuration of the docker client that it would ignore, or fail on later, is told of', t => {
  const { path } = createCli(t);
  const bin = join(path, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'docker-credential-here'), '');
  chmodSync(join(bin, 'docker-credential-here'), 0o755);
  const env = { DOCKER_CONFIG: path, PATH: bin };
  const checked = (text: string) => {
    writeFileSync(join(path, 'config.json'), text);
    return checkClientConfig(readClientConfig(env), env);
  };
  t.is(checkClientConfig(readClientConfig(env), env), null);
  t.is(checked('{}')!.status, 'ok');
  for (const broken of ['', '{not json', '{"credsStore": 5}', '[]']) {
    const finding = checked(broken)!;
    t.is(finding.status, 'warn', broken);
    t.regex(finding.found, /config\.json cannot be read: /);
  }
  t.is(checked('{"credsStore": "here", "psFormat": "{{.ID}}", "auths": {}}')!.status, 'ok');
  t.regex(checked('{"credsStore": "gone"}')!.found, /docker-credential-gone is not on PATH/);
  t.regex(checked('{"credHelpers": {"r.example": "far"}}')!.found, /docker-credential-far is not on PATH/);
  t.regex(
    checked('{"proxies": {"default": {"httpProxy": "http://p:1"}}}')!.found,
    /proxies apply to builds, and to agents without/,
  );
});
