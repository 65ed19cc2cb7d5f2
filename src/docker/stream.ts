import { createInterface } from 'node:readline';
import type { Duplex, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import type { CallEnd, Owner, Recorder } from './recorder.ts';

/**
 * The door for docker children that we watch, write to a file, or hand the terminal to. They end with us.
 */

export interface StreamOptions {
  readonly signal?: AbortSignal;
  readonly owner?: Owner | null;
}

const ended = (result: {
  failed: boolean;
  exitCode?: number;
  isCanceled: boolean;
  timedOut: boolean;
  stderr?: unknown;
}) => ({
  ok: !result.failed,
  exitCode: result.exitCode ?? null,
  cutOff: result.isCanceled ? ('aborted' as const) : result.timedOut ? ('timeout' as const) : null,
  stderr: typeof result.stderr === 'string' ? result.stderr : '',
});

/**
 * A docker with nothing to say would outlive an engine that is killed for ever. Its shell keeps a pipe of ours open; that
 * closes with us, however we end. A Ctrl-C of the terminal is for us alone.
 */
const endingWithUs = `
  exec 3<&0
  docker "$@" 3<&- </dev/null &
  docker=$!
  { read -r _ <&3; kill -9 "$docker"; } >/dev/null 2>&1 &
  watch=$!
  exec 3<&-
  wait "$docker" 2>/dev/null
  code=$?
  kill "$watch" 2>/dev/null
  exit "$code"`;
const run = execa({
  stdin: 'pipe',
  detached: true,
  reject: false,
  killSignal: 'SIGKILL',
  // execa's own listens to signals, which a program that embeds us has its own mind about.
  cleanup: false,
  // As in cli.ts: ours may be removed.
  cwd: '/',
});
const shell = (args: readonly string[]) => ['-c', endingWithUs, 'docker', ...args];

/** Follows a docker command line by line until it ends or `signal` fires. */
export async function followLines(
  recorder: Recorder,
  args: readonly string[],
  onLine: (line: string) => void,
  { signal, owner = null }: StreamOptions = {},
): Promise<CallEnd> {
  const call = await recorder.call(args, owner, false);
  const child = run('sh', shell(args), {
    stdout: 'pipe',
    buffer: { stdout: false, stderr: true },
    ...(signal ? { cancelSignal: signal } : {}),
  });
  createInterface({ input: child.stdout }).on('line', onLine);
  return call.end(ended(await child));
}

/** Write what a docker command prints to a file. */
export async function saveOutput(
  recorder: Recorder,
  args: readonly string[],
  file: string,
  {
    signal,
    owner = null,
    timeout,
    through = null,
  }: StreamOptions & { timeout: number; through?: Duplex | null },
): Promise<CallEnd> {
  const call = await recorder.call(args, owner, false);
  const child = run('sh', shell(args), {
    // Passed on as it comes: a transcript of any length takes no more memory than a short one.
    stdout: through ? [{ transform: through }, { file }] : { file },
    buffer: { stdout: false, stderr: true },
    timeout,
    ...(signal ? { cancelSignal: signal } : {}),
  });
  return call.end(ended(await child));
}

/** Write what a docker command prints to an open file, which needs no name. */
export async function copyOutput(
  recorder: Recorder,
  args: readonly string[],
  fd: number,
  { signal, owner = null, timeout }: StreamOptions & { timeout: number },
): Promise<CallEnd> {
  const call = await recorder.call(args, owner, false);
  const child = run('sh', shell(args), {
    // Any descriptor will do; the types of execa name those of the terminal.
    stdout: fd as 1,
    timeout,
    ...(signal ? { cancelSignal: signal } : {}),
  });
  return call.end(ended(await child));
}

/** Gives what a docker command prints to `sink`, no faster than that takes it. A sink that fails ends the command. */
export async function pipeOutput(
  recorder: Recorder,
  args: readonly string[],
  sink: Writable,
  { signal, owner = null, timeout }: StreamOptions & { timeout: number },
): Promise<CallEnd> {
  const call = await recorder.call(args, owner, false);
  const child = run('sh', shell(args), {
    stdout: 'pipe',
    buffer: { stdout: false, stderr: true },
    timeout,
    ...(signal ? { cancelSignal: signal } : {}),
  });
  const piped = pipeline(child.stdout, sink).then(
    () => null,
    (error: Error) => {
      child.kill('SIGKILL');
      return error;
    },
  );
  const end = ended(await child);
  const broken = await piped;
  // A command that failed says why better than the pipe that broke with it.
  const stderr = end.stderr.trim() || broken?.message || '';
  return call.end({ ...end, ok: end.ok && broken === null, stderr });
}

/** Give what one docker command prints to the stdin of another one. The answer is that of the first to fail. */
export async function pipeCommands(
  recorder: Recorder,
  from: readonly string[],
  to: readonly string[],
  { signal, owner = null, timeout }: StreamOptions & { timeout: number },
): Promise<CallEnd> {
  const call = await recorder.call(to, owner, true);
  // Its stdin ends with us, and so does it.
  const receiver = run('docker', to, {
    stdout: 'ignore',
    timeout,
    ...(signal ? { cancelSignal: signal } : {}),
  });
  const sent = await pipeOutput(recorder, from, receiver.stdin, {
    ...(signal && { signal }),
    owner,
    timeout,
  });
  receiver.stdin.destroy();
  const received = call.end(ended(await receiver));
  return received.ok ? sent : received;
}

/** What a docker command prints first; one that prints more than `most` bytes is killed. */
export async function firstBytes(
  recorder: Recorder,
  args: readonly string[],
  most: number,
  { signal, owner = null, timeout }: StreamOptions & { timeout: number },
): Promise<CallEnd & { readonly stdout: string }> {
  const call = await recorder.call(args, owner, false);
  const child = run('sh', shell(args), {
    encoding: 'latin1',
    maxBuffer: most,
    timeout,
    ...(signal ? { cancelSignal: signal } : {}),
  });
  const result = await child;
  return { ...(await call.end(ended(result))), stdout: result.stdout };
}

/** Gives the terminal to a docker command, such as an attached tmux, and returns its exit code. */
export async function handOver(args: readonly string[]): Promise<number> {
  const result = await execa('docker', args, { stdio: 'inherit', reject: false, cwd: '/' });
  return result.exitCode ?? 1;
}
