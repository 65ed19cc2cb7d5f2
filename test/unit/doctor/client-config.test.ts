import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { checkClientConfig, readClientConfig } from '../../../src/doctor/client-config.ts';
import { folder } from '../_helpers/repositories.ts';

test('a client configuration that docker would ignore, or fail on later, causes a warning', t => {
  const path = folder(t);
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

test('the configuration is read from the home without DOCKER_CONFIG', t => {
  const home = folder(t);
  mkdirSync(join(home, '.docker'));
  writeFileSync(join(home, '.docker', 'config.json'), '{"aliases": {"builder": "buildx"}}');
  const { path, settings, problem } = readClientConfig({ HOME: home });
  t.is(path, join(home, '.docker', 'config.json'));
  t.deepEqual(settings, { aliases: { builder: 'buildx' } });
  t.is(problem, null);
});

test('an unreadable configuration is reported on one line', t => {
  const path = folder(t);
  writeFileSync(join(path, 'config.json'), '{"credHelpers": {"r.example": 5}, "aliases": []}');
  const { settings, problem } = readClientConfig({ DOCKER_CONFIG: path });
  t.is(settings, null);
  t.notRegex(problem!, /\n/);
});

test('an empty credential helper is not looked up', t => {
  const path = folder(t);
  writeFileSync(join(path, 'config.json'), '{"credsStore": "", "credHelpers": {"r.example": ""}}');
  const env = { DOCKER_CONFIG: path, PATH: '/nowhere' };
  t.is(checkClientConfig(readClientConfig(env), env)!.status, 'ok');
});
