import { execa } from 'execa';

/**
 * Read a value of the user's own git configuration, as git finds it outside of any repository: in the environment, in
 * the files of the user, and in those of the system; null if it is not set, or git is not installed. This is the only git
 * process on the host. It has no repository, since an agent may have written the configuration of any.
 */
export async function globalGitSetting(key: string): Promise<string | null> {
  const { exitCode, stdout } = await execa('git', ['config', '--includes', '--get', key], {
    cwd: '/',
    env: { GIT_DIR: '/dev/null', GIT_CEILING_DIRECTORIES: '/', LC_ALL: 'C' },
    stdin: 'ignore',
    reject: false,
    timeout: 10_000,
    maxBuffer: 65_536,
  });
  return exitCode === 0 && stdout.trim() !== '' ? stdout.trim() : null;
}
