import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { bin, eventually, type Place, place, small } from '../engine/flow.ts';
import { testLimit } from '../limits.ts';
import type { RemoteEngine } from './remote-engine.ts';

/** Settings of git for the repositories of a test. */
export const identity = [
  '-c',
  'user.name=T',
  '-c',
  'user.email=t@example.invalid',
  '-c',
  'protocol.file.allow=always',
];

/**
 * A folder of the client with a repository, whose engine is on another machine. `env` are the variables by which the client
 * reaches it; `docker` runs on the machine of the engine.
 */
export async function client(
  t: ExecutionContext,
  { daemon, env: own }: Pick<RemoteEngine, 'daemon' | 'env'>,
  env = own,
) {
  t.timeout(testLimit);
  const here = place(t, env);
  const repository = join(here.path, 'repository');
  const git = async (...args: string[]) =>
    (await execa('git', [...identity, '-C', repository, ...args])).stdout.trim();
  mkdirSync(repository);
  await git('init', '--quiet', '--initial-branch=main');
  writeFileSync(join(repository, 'README'), 'one\n');
  await git('add', '.');
  await git('commit', '--quiet', '--message=one');
  const docker = async (...args: string[]) =>
    (await execa('docker', args, { env: daemon.env, timeout: 60_000 })).stdout.split('\n').filter(Boolean);
  /** Volumes and containers of ours on the engine. */
  const left = async () => {
    const mine = `--filter=label=tmux-agents.instance=${readFileSync(join(here.stateDir, 'instance'), 'utf8').trim()}`;
    return Promise.all([docker('volume', 'ls', '--quiet', mine), docker('ps', '--all', '--quiet', mine)]);
  };
  /** Start the real command; it is killed at the end of the test. */
  const start = (...args: Parameters<Place['start']>) => {
    const started = here.start(...args);
    t.teardown(() => void started.kill('SIGKILL'));
    return started;
  };
  return { here, repository, git, docker, left, start };
}

export const clone = { mode: 'clone', path: 'repository' };

export const agent = (script: string, more: object = {}) => ({
  ...{ command: ['sh', '-ec', script], workspace: clone, network: 'none', ...small },
  ...more,
});

/** Attach to an agent on a terminal, until it has shown each text after the keys before it. Returns the exit code. */
export async function attach(
  t: ExecutionContext,
  { env }: Place,
  name: string,
  steps: readonly { readonly keys?: string; readonly shows?: string }[],
): Promise<number | undefined> {
  const attached = execa('script', ['-qec', `'${process.execPath}' '${bin}' attach ${name}`, '/dev/null'], {
    env: { ...env, TERM: 'xterm' },
    stdin: 'pipe',
    reject: false,
    timeout: 600_000,
  });
  t.teardown(() => void attached.kill('SIGKILL'));
  let screen = '';
  attached.stdout.on('data', data => (screen += data));
  for (const { keys, shows } of steps) {
    if (keys !== undefined) attached.stdin.write(keys);
    if (shows !== undefined) await eventually(() => screen.includes(shows), `"${shows}" on the screen`);
  }
  return (await attached).exitCode;
}

/** The volumes that stay after a stop: the clone, if the grace period was too short to save the work. */
export const stoppedWork = ({ branch, volume }: { branch: string | null; volume?: string }): string[] =>
  branch === null ? [volume!] : [];
