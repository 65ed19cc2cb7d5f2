import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { globalGitSetting } from '../../../src/workspace/git.ts';
import { folder, repository, run } from '../_helpers/repositories.ts';

const names = /^(GIT_|SUDO_|XDG_CONFIG_HOME$|HOME$)/;

/** Replace the variables that git reads for one test. */
function environment(t: ExecutionContext, env: NodeJS.ProcessEnv): void {
  const before = Object.entries(process.env).filter(([name]) => names.test(name));
  const clear = () => {
    for (const name of Object.keys(process.env)) if (names.test(name)) delete process.env[name];
  };
  clear();
  Object.assign(process.env, env);
  t.teardown(() => {
    clear();
    Object.assign(process.env, Object.fromEntries(before));
  });
}

function configuration(path: string, name: string): string {
  writeFileSync(path, `[user]\n\tname = ${name}\n`);
  return path;
}

test.serial('globalGitSetting reads the system, the user and the environment, like git', async t => {
  const base = folder(t);
  const system = { HOME: base, GIT_CONFIG_SYSTEM: configuration(join(base, 'system'), 'System') };
  environment(t, system);
  t.is(await globalGitSetting('user.name'), 'System');
  t.is(await globalGitSetting('core.hooksPath'), null);
  environment(t, { ...system, GIT_CONFIG_NOSYSTEM: '1' });
  t.is(await globalGitSetting('user.name'), null, 'GIT_CONFIG_NOSYSTEM skips the system file');
  configuration(join(base, '.gitconfig'), 'User');
  environment(t, system);
  t.is(await globalGitSetting('user.name'), 'User');
  environment(t, { ...system, GIT_CONFIG_GLOBAL: configuration(join(base, 'global'), 'Global') });
  t.is(await globalGitSetting('user.name'), 'Global');
  environment(t, {
    ...system,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'user.name',
    GIT_CONFIG_VALUE_0: 'Environment',
  });
  t.is(await globalGitSetting('user.name'), 'Environment');
});

test.serial(
  'globalGitSetting neither reads nor executes a repository that the environment names',
  async t => {
    const base = folder(t);
    const main = repository(join(base, 'main'));
    const [canary, program] = [join(base, 'canary'), join(base, 'program')];
    writeFileSync(program, `#!/bin/sh\ntouch '${canary}'\n`);
    chmodSync(program, 0o755);
    run(main, 'config', 'user.name', 'Agent');
    for (const key of ['core.fsmonitor', 'core.pager', 'core.editor', 'alias.config'])
      run(main, 'config', key, program);
    environment(t, {
      HOME: base,
      GIT_DIR: join(main, '.git'),
      GIT_WORK_TREE: main,
      GIT_COMMON_DIR: join(main, '.git'),
      SUDO_UID: '4242',
    });
    t.is(await globalGitSetting('user.name'), null);
    t.false(existsSync(canary));
  },
);
