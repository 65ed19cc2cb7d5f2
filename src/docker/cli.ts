/**
 * Runs docker commands and returns their whole output, with zx; docker-process.ts streams it, with execa. Only these two
 * files and attach-terminal.ts spawn docker.
 *
 * A call that is cut off is killed with SIGKILL and never judged by its exit code (I3): on SIGTERM `docker exec` exits
 * with 0, and the daemon finishes the request whether its client lives or not.
 */

import { $ } from 'zx/core';
import { shellQuote } from '../text/shell-quote.ts';
import { controlChild } from './child.ts';
import { separateOutput, withEngineReason } from './container-output.ts';
import {
  FirstBytes,
  LastBytes,
  maxLogBytes,
  maxOutputBytes,
  maxStderrBytes,
  NoBytes,
  overflowMessage,
} from './output.ts';
import type { CallEnd, CallScope, Recorder } from './recorder.ts';

export interface DockerOptions {
  /** Milliseconds. Every call has a timeout, since a stopped daemon never responds. Default: 60,000. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  readonly input?: string | Buffer;
  /** The attempt that the call is made for; null for the run itself. */
  readonly scope?: CallScope | null;
  /** The call changes something, so its intent is on disk before docker is spawned (I3). */
  readonly isMutation?: boolean;
  /** Maximum bytes of output; a longer one is cut off and fails. Ignored with `isLog`. Default: 16 MiB. */
  readonly maxBytes?: number;
  /** The output is a log of any length: its last 4 MiB are kept. */
  readonly isLog?: boolean;
  /** The call is repeated: it is journaled only when its result changes. */
  readonly isPolling?: boolean;
  /** Receives the output as it arrives, beside the result. */
  readonly onStdout?: (text: string) => void;
  /** Environment variables for this call; undefined removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface DockerResult extends CallEnd {
  readonly args: readonly string[];
  readonly stdout: string;
}

export type Docker = (args: readonly string[], options?: DockerOptions) => Promise<DockerResult>;

// With `exec` the child is docker itself, not a shell around it. Most systems have a /bin/sh that starts faster than bash.
const $exec = $({
  shell: '/bin/sh',
  quote: shellQuote,
  // The working directory may be removed meanwhile, and docker does not need it.
  cwd: '/',
  quiet: true,
  nothrow: true,
  prefix: 'exec ',
  // Keep the terminal's Ctrl-C away from docker: the effect of a call that it cut off would be in doubt.
  detached: true,
  stdio: ['ignore', 'pipe', 'pipe'],
});

/** Set Go's number of processors: a short command costs a quarter less CPU on one, and takes less time. */
const oneProcessor = { GOMAXPROCS: '1' };

/** Return the docker command, which reports every call to `recorder`. */
export function dockerCli(recorder: Recorder): Docker {
  const docker: Docker = async (args, options = {}) => {
    const { signal, scope = null, isMutation = false, isPolling = false } = options;
    const call = await recorder.call(args, scope, isMutation, isPolling);
    if (signal?.aborted)
      return call.end({ args, ok: false, exitCode: null, stdout: '', stderr: '', interrupted: 'aborted' });
    const result = call.end(separateOutput(args, await execute(recorder, args, options)));
    return withEngineReason(docker, args, result, { scope, ...(signal && { signal }) });
  };
  return docker;
}

async function execute(
  recorder: Recorder,
  args: readonly string[],
  options: DockerOptions,
): Promise<DockerResult> {
  const { timeout = 60_000, signal, input, maxBytes = maxOutputBytes, isLog = false, onStdout } = options;
  let overflow = () => {};
  const stdout = isLog ? new LastBytes(maxLogBytes) : new FirstBytes(maxBytes, () => overflow());
  const stderr = new LastBytes(isLog ? maxLogBytes : maxStderrBytes);
  const stdio = [
    input === undefined ? ('ignore' as const) : ('pipe' as const),
    'pipe' as const,
    'pipe' as const,
  ];
  const env = { ...(isLog ? {} : oneProcessor), ...process.env, ...recorder.env, ...options.env };
  const child = $exec({
    env,
    stdio,
    store: { stdin: [], stdout, stderr, stdall: new NoBytes() },
  })`docker ${args}`;
  const control = child.child && controlChild(child.child, { signal, timeout });
  if (control) overflow = control.overflow;
  if (onStdout) child.child?.stdout?.on('data', (bytes: Buffer) => onStdout(bytes.toString()));
  if (input !== undefined) {
    // A docker that exits before it has read everything reports why; the broken pipe must not end this process.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  }
  const output = control ? await control.settle(child) : await child;
  const interrupted =
    control?.interrupted === 'overflow' || !output?.ok ? (control?.interrupted ?? null) : null;
  const ok = interrupted === null && output?.ok === true;
  const stderrText = interrupted === 'overflow' ? overflowMessage(maxBytes) : stderr.text();
  const spawnError = ok ? '' : (output?.cause as Error | undefined)?.message || '';
  return {
    args,
    ok,
    exitCode: interrupted === null ? (output?.exitCode ?? null) : null,
    stdout: stdout.text(),
    stderr: stderrText || spawnError,
    interrupted,
  };
}
