/** Starts docker commands whose output is streamed, with execa; cli.ts reads whole outputs, with zx. */

import { execa } from 'execa';
import { type ChildControl, controlChild, type Limits } from './child.ts';
import { dockerCli } from './cli.ts';
import { separateOutput, withEngineReason } from './container-output.ts';
import { LastBytes, maxStderrBytes } from './output.ts';
import type { CallEnd, CallScope, Recorder } from './recorder.ts';

export interface StreamOptions {
  readonly signal?: AbortSignal;
  readonly scope?: CallScope | null;
}

/**
 * Run docker under a shell that holds a pipe to this process. The pipe closes when this process ends in any way, and the
 * shell kills the group; otherwise a docker without output would outlive a killed supervisor forever. The terminal's
 * Ctrl-C reaches this process only.
 */
const dieWithParentScript = `
  exec 3<&0
  docker "$@" 3<&- </dev/null &
  docker=$!
  { read -r _ <&3; kill -9 0; } >/dev/null 2>&1 &
  watch=$!
  exec 3<&-
  wait "$docker" 2>/dev/null
  code=$?
  kill "$watch" 2>/dev/null
  exit "$code"`;

const execaDocker = execa({
  stdin: 'pipe',
  stderr: 'pipe',
  buffer: false,
  detached: true,
  reject: false,
  // execa's clean-up handles signals, which is up to the program that embeds this library.
  cleanup: false,
  // As in cli.ts: the working directory may be removed.
  cwd: '/',
});

/** Return the command that runs docker under that shell. */
export const tiedToParent = (args: readonly string[]): readonly string[] => [
  'sh',
  '-c',
  dieWithParentScript,
  'docker',
  ...args,
];

/** A running docker command. */
export interface RunningCommand {
  readonly child: ReturnType<typeof spawn>;
  readonly control: ChildControl;
  /** Resolves when it has ended and everything has been read. */
  readonly ended: Promise<CallEnd>;
}

const spawn = (
  { env }: Recorder,
  [file, ...args]: readonly string[],
  stdout: 'pipe' | 'ignore' | number,
  // Any descriptor works, though execa's types allow those of the terminal only.
) => execaDocker(file!, args, { env, stdout: stdout as 'pipe' });

/** Start a command whose output the caller reads. */
export function spawnProcess(
  recorder: Recorder,
  command: readonly string[],
  limits: Limits,
  stdout: Parameters<typeof spawn>[2] = 'pipe',
): RunningCommand {
  const child = spawn(recorder, command, stdout);
  const stderr = new LastBytes(maxStderrBytes);
  child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes));
  const control = controlChild(child.nodeChildProcess, limits);
  const ended = control.settle(child).then(result => {
    const isOverflow = control.interrupted === 'overflow';
    const interrupted = isOverflow || result === null || result.failed ? control.interrupted : null;
    const ok = result !== null && !result.failed && interrupted === null;
    return {
      ok,
      exitCode: interrupted === null ? (result?.exitCode ?? null) : null,
      interrupted,
      stderr: stderr.text().trimEnd(),
    };
  });
  return { child, control, ended };
}

/** Run a docker command and record it. `follow` consumes its output and returns its end. */
export async function runRecorded<A extends CallEnd>(
  recorder: Recorder,
  args: readonly string[],
  options: StreamOptions & Limits,
  follow: (docker: RunningCommand) => Promise<A>,
  stdout: Parameters<typeof spawn>[2] = 'pipe',
): Promise<A> {
  const { scope = null, signal } = options;
  const call = await recorder.call(args, scope, false);
  const end = call.end(
    separateOutput(args, await follow(spawnProcess(recorder, tiedToParent(args), options, stdout))),
  );
  return withEngineReason(dockerCli(recorder), args, end, { scope, ...(signal && { signal }) });
}
