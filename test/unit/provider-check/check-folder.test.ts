import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { Docker } from '../../../src/docker/cli.ts';
import { checkEnvironment } from '../../../src/provider-check/check-environment.ts';
import {
  createCheckFolder,
  endedCheckFolders,
  hasLeftNothing,
  removeCheckFolder,
} from '../../../src/provider-check/check-folder.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';

test('a check has a state directory of its own, which is found when the check has ended', t => {
  const path = mkdtempSync(join(tmpdir(), 'agent-flow-check-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  const stateDir = openStateDir(path);
  t.deepEqual(endedCheckFolders(stateDir), []);
  const folder = createCheckFolder(stateDir);
  t.not(folder.state.instance, stateDir.instance);
  t.deepEqual(endedCheckFolders(stateDir), [], 'it is held by this process');
  folder[Symbol.dispose]();
  const [ended] = endedCheckFolders(stateDir);
  t.is(ended?.id, folder.id);
  t.is(ended?.state.instance, folder.state.instance);
  t.deepEqual(stateDir.recorded(), []);
  removeCheckFolder(ended!);
  t.false(existsSync(folder.path));
});

test('the environment of a check has the address and the key, in its files as well', t => {
  const home = mkdtempSync(join(tmpdir(), 'agent-flow-check-'));
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  const env = checkEnvironment(
    {
      api: 'chat',
      env: { MY_KEY: '$KEY', MY_CONFIG: '{"url":"$URL/v1"}' },
      files: { '.cli/models.json': { baseUrl: '$URL/v1', apiKey: '$MY_KEY' } },
    },
    { url: 'http://stub:8080', key: 'k-1', home },
  );
  t.deepEqual(env, { HOME: home, MY_KEY: 'k-1', MY_CONFIG: '{"url":"http://stub:8080/v1"}' });
  t.deepEqual(JSON.parse(readFileSync(join(home, '.cli/models.json'), 'utf8')), {
    baseUrl: 'http://stub:8080/v1',
    apiKey: '$MY_KEY',
  });
});

test('something of a check is left if the engine lists it, or does not respond', async t => {
  const path = mkdtempSync(join(tmpdir(), 'agent-flow-check-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  const folder = createCheckFolder(openStateDir(path));
  const id = '1'.repeat(64);
  const dockerWith =
    (replies: Readonly<Record<string, string | null>>): Docker =>
    async args => {
      const stdout = replies[args[0]!];
      const ok = typeof stdout === 'string';
      return { args, ok, exitCode: ok ? 0 : 1, stdout: stdout ?? '', stderr: '', interrupted: null };
    };
  t.true(await hasLeftNothing(dockerWith({ ps: '', network: '' }), folder));
  t.false(await hasLeftNothing(dockerWith({ ps: '', network: `${id}\n` }), folder));
  t.false(await hasLeftNothing(dockerWith({ ps: null, network: '' }), folder));
  t.false(await hasLeftNothing(dockerWith({ ps: '', network: null }), folder));
  folder[Symbol.dispose]();
});
