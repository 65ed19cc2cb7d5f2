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
const findings = (more: object, env: NodeJS.ProcessEnv = {}) =>
  Object.fromEntries(checkContainers({ ...engine, ...more }, env).map(found => [found.check, found]));

test('a default engine has one finding', t => {
  t.deepEqual(Object.keys(findings({})), ['limits']);
  t.is(findings({}).limits!.status, 'ok');
});

test('missing limits are listed, with a hint for the kind of engine', t => {
  const small = findings({ CpuCfsQuota: false, PidsLimit: false }).limits!;
  t.is(small.status, 'warn');
  t.regex(small.found, /--cpus, --pids-limit/);
  t.regex(small.hint!, /kernel/);
  const rootless = findings({ CpuCfsQuota: false, SecurityOptions: ['name=rootless'] });
  t.regex(rootless.limits!.hint!, /delegate .*rootless/);
  t.is(rootless.users!.status, 'ok');
});

test('userns-remap is a warning, with the owner that workspaces need', t => {
  const SecurityOptions = ['name=seccomp,profile=default', 'name=userns'];
  const { users } = findings({ SecurityOptions, DockerRootDir: '/var/lib/docker/100000.100000' });
  t.is(users!.status, 'warn');
  t.regex(users!.found, /100000:100000 on the host \(userns-remap\)/);
  t.regex(users!.hint!, /"clone".*100000:100000/);
  t.is(findings({ SecurityOptions }).users!.status, 'warn');
});

test('a default platform other than that of the engine is a warning', t => {
  t.is(findings({}, { DOCKER_DEFAULT_PLATFORM: 'linux/arm64' }).platform!.status, 'warn');
  t.is(findings({}, { DOCKER_DEFAULT_PLATFORM: 'linux/amd64' }).platform, undefined);
});

test('an engine without docker-init is a warning', t => {
  t.is(findings({ InitBinary: 'docker-init', InitCommit: { ID: 'N/A' } }).init!.status, 'warn');
  for (const InitCommit of [{ ID: '' }, { ID: 'de40ad0' }, {}, null])
    t.is(findings({ InitBinary: 'docker-init', InitCommit }).init, undefined);
});

test('a configuration that the docker client ignores, or fails on later, is a warning', t => {
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
