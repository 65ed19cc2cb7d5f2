import { resolve } from 'node:path';
import { $ } from 'zx/core';
import { onPath } from '../on-path.ts';
import { guard } from './child.ts';
import { separateOutput, withEngineReason } from './container-output.ts';
import {
  FirstBytes,
  LastBytes,
  maxAnswerBytes,
  maxLogBytes,
  maxStderrBytes,
  NoBytes,
  overflowMessage,
} from './output.ts';
import type { CallEnd, CallScope, Recorder } from './recorder.ts';

/**
 * The door for docker commands whose whole answer we await; stream.ts is the other one. Nothing else spawns docker.
 *
 * A call that we cut off is killed with SIGKILL and never judged by its exit code: the docker CLI answers SIGTERM
 * with 0 on `exec`, and the daemon finishes what it was asked for whether its client lives or not.
 */

export interface DockerOptions {
  /** Milliseconds. Every call has one: a stopped daemon never answers. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  readonly input?: string | Buffer;
  /** For whom; null for the engine itself. */
  readonly owner?: CallScope | null;
  /** The call changes something: its intent is on disk before docker is spawned. */
  readonly changes?: boolean;
  /** Bytes of an answer; a longer one is cut off and fails. 16 MiB where nothing is said. */
  readonly most?: number;
  /** It prints a log, which may be of any length: its last 4 MiB are kept. */
  readonly isLog?: boolean;
  /** The call is made again and again: it is journaled where its outcome changes. */
  readonly isPolling?: boolean;
  /** Of docker's environment, for this call alone; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface DockerAnswer extends CallEnd {
  readonly args: readonly string[];
  readonly stdout: string;
}

export type Docker = (args: readonly string[], options?: DockerOptions) => Promise<DockerAnswer>;

// `exec` makes the child docker itself instead of a bash that runs it.
const bash = onPath('bash', process.env);
const run = $({
  // Found once, and from here: the directory may be given relative to ours.
  ...(bash !== null && { shell: resolve(bash) }),
  // Docker needs nothing of the directory that we were started in, which may be removed meanwhile.
  cwd: '/',
  quiet: true,
  nothrow: true,
  prefix: 'exec ',
  // A Ctrl-C of the terminal is for us alone: a call that it cut off would leave its effect in the dark.
  detached: true,
  stdio: ['ignore', 'pipe', 'pipe'],
});

/** The docker command, with every call told to `recorder`. */
export function dockerCli(recorder: Recorder): Docker {
  const docker: Docker = async (args, options = {}) => {
    const { signal, owner = null, changes = false, isPolling = false } = options;
    const call = await recorder.call(args, owner, changes, isPolling);
    if (signal?.aborted)
      return call.end({ args, ok: false, exitCode: null, stdout: '', stderr: '', interrupted: 'aborted' });
    const answer = call.end(separateOutput(args, await ask(recorder, args, options)));
    return withEngineReason(docker, args, answer, { owner, ...(signal && { signal }) });
  };
  return docker;
}

async function ask(
  recorder: Recorder,
  args: readonly string[],
  options: DockerOptions,
): Promise<DockerAnswer> {
  const { timeout = 60_000, signal, input, most = maxAnswerBytes, isLog = false } = options;
  let overflow = () => {};
  const stdout = isLog ? new LastBytes(maxLogBytes) : new FirstBytes(most, () => overflow());
  const stderr = new LastBytes(isLog ? maxLogBytes : maxStderrBytes);
  const stdio = [
    input === undefined ? ('ignore' as const) : ('pipe' as const),
    'pipe' as const,
    'pipe' as const,
  ];
  const env = { ...process.env, ...recorder.env, ...options.env };
  const child = run({
    env,
    stdio,
    store: { stdin: [], stdout, stderr, stdall: new NoBytes() },
  })`docker ${args}`;
  const limits = child.child && guard(child.child, { signal, timeout });
  if (limits) overflow = limits.overflow;
  if (input !== undefined) {
    // A docker that ends before it has read all says why by its answer; a pipe that broke must not end us.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  }
  const output = limits ? await limits.settle(child) : await child;
  const interrupted =
    limits?.interrupted === 'overflow' || !output?.ok ? (limits?.interrupted ?? null) : null;
  const ok = interrupted === null && output?.ok === true;
  const said = interrupted === 'overflow' ? overflowMessage(most) : stderr.text();
  const problem = ok ? '' : (output?.cause as Error | undefined)?.message || '';
  return {
    args,
    ok,
    exitCode: interrupted === null ? (output?.exitCode ?? null) : null,
    stdout: stdout.text(),
    stderr: said || problem,
    interrupted,
  };
}
