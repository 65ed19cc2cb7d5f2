import { $ } from 'zx/core';
import type { CallEnd, Owner, Recorder } from './recorder.ts';

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
  readonly owner?: Owner | null;
  /** The call changes something: its intent is on disk before docker is spawned. */
  readonly changes?: boolean;
}

export interface DockerAnswer extends CallEnd {
  readonly args: readonly string[];
  readonly stdout: string;
}

export type Docker = (args: readonly string[], options?: DockerOptions) => Promise<DockerAnswer>;

// `exec` makes the child docker itself instead of a bash that runs it.
const run = $({
  quiet: true,
  nothrow: true,
  // Agents run on the engine's own platform, as the images made for them do.
  prefix: 'unset DOCKER_DEFAULT_PLATFORM; exec ',
  killSignal: 'SIGKILL',
  // A Ctrl-C of the terminal is for us alone: a call that it cut off would leave its effect in the dark.
  detached: true,
  stdio: ['ignore', 'pipe', 'pipe'],
});

/** The docker command, with every call told to `recorder`. */
export function dockerCli(recorder: Recorder): Docker {
  return async (args, options = {}) => {
    const { timeout = 60_000, signal, input, owner = null, changes = false } = options;
    const call = await recorder.call(args, owner, changes);
    if (signal?.aborted)
      return call.end({ args, ok: false, exitCode: null, stdout: '', stderr: '', cutOff: 'aborted' });

    const limit = AbortSignal.timeout(timeout);
    const either = signal ? AbortSignal.any([signal, limit]) : limit;
    const piped = input === undefined ? run : run({ stdio: ['pipe', 'pipe', 'pipe'] });
    const child = piped({ signal: either })`docker ${args}`;
    if (input !== undefined) {
      // A docker that ends before it has read all says why by its answer; a pipe that broke must not end us.
      child.stdin.on('error', () => {});
      child.stdin.end(input);
    }
    const output = await child;
    const cutOff = signal?.aborted && !output.ok ? 'aborted' : limit.aborted && !output.ok ? 'timeout' : null;
    return call.end({
      args,
      ok: output.ok,
      exitCode: cutOff ? null : output.exitCode,
      stdout: output.stdout,
      stderr: output.stderr || (output.ok ? '' : (output.cause as Error | undefined)?.message || ''),
      cutOff,
    });
  };
}
