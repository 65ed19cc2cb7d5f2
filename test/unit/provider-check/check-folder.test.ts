import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { checkEnvironment } from '../../../src/provider-check/check-environment.ts';
import {
  createCheckFolder,
  endedCheckFolders,
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
