import { existsSync } from 'node:fs';
import { execa } from 'execa';

/**
 * The third door: git on the host. It acts on repositories of the user, and on clones that no agent has had yet; never
 * on a tree that an agent wrote, for git runs what it finds in the configuration there.
 */
export type Git = (args: readonly string[], options: GitOptions) => Promise<GitAnswer>;

export interface GitOptions {
  /** The work tree or git directory that it acts on. */
  readonly cwd: string;
  readonly signal?: AbortSignal;
  /** Milliseconds. */
  readonly timeout?: number;
  /** A fresh clone: nothing of the user's own configuration is for it. */
  readonly plain?: boolean;
}

export interface GitAnswer {
  readonly ok: boolean;
  readonly stdout: string;
  /** Its last words, or why it did not get to have any; empty where all is well. */
  readonly said: string;
}

/** Neither hooks nor helpers of the repository run, nothing is tidied up on the way, and no network is asked. */
const settings = [
  '--no-optional-locks',
  ...[
    'core.hooksPath=/dev/null',
    'core.fsmonitor=false',
    'gc.auto=0',
    'maintenance.auto=false',
    'fetch.fsckObjects=true',
    'advice.detachedHead=false',
    'submodule.recurse=false',
    'fetch.recurseSubmodules=false',
    'core.pager=cat',
  ].map(setting => ['-c', setting]),
].flat();

const passed = ['PATH', 'HOME', 'XDG_CONFIG_HOME', 'TMPDIR', 'LD_LIBRARY_PATH'];

export const git: Git = async (args, { cwd, signal, timeout = 60_000, plain = false }) => {
  const result = await execa('git', [...settings, ...args], {
    cwd,
    extendEnv: false,
    env: {
      ...Object.fromEntries(passed.map(name => [name, process.env[name]])),
      LC_ALL: 'C',
      GIT_CONFIG_NOSYSTEM: '1',
      ...(plain ? { GIT_CONFIG_GLOBAL: '/dev/null' } : {}),
      GIT_TERMINAL_PROMPT: '0',
      GIT_OPTIONAL_LOCKS: '0',
      GIT_ALLOW_PROTOCOL: 'file',
      GIT_NO_LAZY_FETCH: '1',
      // What the base image's git can read.
      GIT_DEFAULT_REF_FORMAT: 'files',
    },
    stdin: 'ignore',
    reject: false,
    // As with docker: a Ctrl-C of the terminal is for us alone.
    detached: true,
    cleanup: false,
    killSignal: 'SIGKILL',
    maxBuffer: 16 * 2 ** 20,
    timeout,
    ...(signal ? { cancelSignal: signal } : {}),
  });
  return { ok: !result.failed, stdout: String(result.stdout ?? ''), said: lastWords(result, cwd) };
};

function lastWords(
  result: {
    failed: boolean;
    code?: string | undefined;
    timedOut: boolean;
    isCanceled: boolean;
    stderr?: unknown;
    exitCode?: number | undefined;
  },
  cwd: string,
): string {
  if (!result.failed) return '';
  if (result.code === 'ENOENT')
    return existsSync(cwd) ? 'there is no git on PATH; install it' : `${cwd} is not there any more`;
  if (result.timedOut) return 'git did not come to an end in time';
  if (result.isCanceled) return 'stopped';
  const lines = String(result.stderr ?? '')
    .split('\n')
    .map(line => line.trim())
    .filter(Boolean);
  const telling = lines.findLast(line => /^(fatal|error):/.test(line)) ?? lines.at(-1);
  return (telling ?? `git exited with ${result.exitCode}`).replace(/^(fatal|error): /, '').slice(0, 300);
}
