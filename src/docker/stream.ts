import { createWriteStream } from 'node:fs';
import type { Duplex, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import { type Guard, guard, type Limits } from './child.ts';
import { dockerCli } from './cli.ts';
import { separateOutput, withEngineReason } from './container-output.ts';
import { lineReader, type OnLine } from './line-reader.ts';
import { FirstBytes, LastBytes, maxStderrBytes, overflowMessage } from './output.ts';
import type { CallEnd, CallScope, Recorder } from './recorder.ts';

/**
 * Run docker commands whose output is followed, written to a file, or given the terminal. They end with this process.
 */

export interface StreamOptions {
  readonly signal?: AbortSignal;
  readonly owner?: CallScope | null;
  /** The command is repeated: it is journaled only when its result changes. */
  readonly isPolling?: boolean;
}

/**
 * Run docker under a shell that holds a pipe to this process. The pipe closes when this process ends in any way, and the
 * shell kills the group; otherwise a docker without output would outlive a killed engine process forever. The terminal's
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
const run = execa({
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
const viaShell = ['sh', '-c', dieWithParentScript] as const;

/** A running docker command. */
interface Started {
  readonly child: ReturnType<typeof start>;
  readonly guard: Guard;
  /** Resolves when it has ended and everything has been read. */
  readonly ended: Promise<CallEnd>;
}

const start = (
  { env }: Recorder,
  [file, ...args]: readonly string[],
  stdout: 'pipe' | 'ignore' | number,
  // Any descriptor works, though execa's types allow those of the terminal only.
) => run(file!, args, { env, stdout: stdout as 'pipe' });

function started(
  recorder: Recorder,
  command: readonly string[],
  limits: Limits,
  stdout: Parameters<typeof start>[2] = 'pipe',
): Started {
  const child = start(recorder, command, stdout);
  const stderr = new LastBytes(maxStderrBytes);
  child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes));
  const guarded = guard(child.nodeChildProcess, limits);
  const ended = guarded.settle(child).then(result => {
    const isOverflow = guarded.interrupted === 'overflow';
    const interrupted = isOverflow || result === null || result.failed ? guarded.interrupted : null;
    const ok = result !== null && !result.failed && interrupted === null;
    return {
      ok,
      exitCode: interrupted === null ? (result?.exitCode ?? null) : null,
      interrupted,
      stderr: stderr.text().trimEnd(),
    };
  });
  return { child, guard: guarded, ended };
}

/** Record a docker command. `follow` consumes its output and returns its end. */
async function recorded<A extends CallEnd>(
  recorder: Recorder,
  args: readonly string[],
  options: StreamOptions & Limits,
  follow: (docker: Started) => Promise<A>,
  stdout: Parameters<typeof start>[2] = 'pipe',
): Promise<A> {
  const { owner = null, signal } = options;
  const call = await recorder.call(args, owner, false);
  const end = call.end(
    separateOutput(args, await follow(started(recorder, [...viaShell, 'docker', ...args], options, stdout))),
  );
  return withEngineReason(dockerCli(recorder), args, end, { owner, ...(signal && { signal }) });
}

export interface LineOptions extends StreamOptions {
  /** Maximum bytes of a line; the rest of a longer one is dropped. */
  readonly mostOfLine?: number;
  /** Maximum bytes of all lines and of stderr; a command that prints more is killed. */
  readonly most?: number;
  /** Transforms the output before it is split into lines. */
  readonly through?: { add(bytes: Buffer): Buffer; end(): Buffer };
}

/** Follow a docker command line by line until it ends or `signal` fires. */
export async function followLines(
  recorder: Recorder,
  args: readonly string[],
  onLine: OnLine,
  {
    mostOfLine,
    most = Number.POSITIVE_INFINITY,
    through,
    signal,
    owner = null,
    isPolling = false,
  }: LineOptions = {},
): Promise<CallEnd> {
  const call = await recorder.call(args, owner, false, isPolling);
  const { child, guard, ended } = started(recorder, [...viaShell, 'docker', ...args], { signal });
  const lines = lineReader(onLine, mostOfLine);
  let size = 0;
  const isTaken = (bytes: Buffer) => {
    size += bytes.length;
    if (size > most) guard.overflow();
    return size <= most;
  };
  child.stderr.on('data', isTaken);
  child.stdout.on('data', (bytes: Buffer) => {
    if (isTaken(bytes)) lines.add(through ? through.add(bytes) : bytes);
  });
  const end = await ended;
  if (through) lines.add(through.end());
  lines.end();
  return call.end(separateOutput(args, end));
}

/** Write the output of a docker command to a file. */
export function saveOutput(
  recorder: Recorder,
  args: readonly string[],
  file: string,
  { through = [], ...options }: StreamOptions & { timeout: number; through?: readonly Duplex[] },
): Promise<CallEnd> {
  // Streamed, so that a transcript of any length takes no more memory than a short one (I7).
  return recorded(recorder, args, options, docker =>
    piped(docker, createWriteStream(file), { through, ...options }),
  );
}

/** Write the output of a docker command to an open file, which need not have a name. */
export function copyOutput(
  recorder: Recorder,
  args: readonly string[],
  fd: number,
  options: StreamOptions & { timeout: number },
): Promise<CallEnd> {
  return recorded(recorder, args, options, ({ ended }) => ended, fd);
}

/** Pipe the output of a docker command to `sink`, with its back-pressure. A sink that fails ends the command. */
export function pipeOutput(
  recorder: Recorder,
  args: readonly string[],
  sink: Writable,
  options: StreamOptions & { timeout: number },
): Promise<CallEnd> {
  return recorded(recorder, args, options, docker => piped(docker, sink, options));
}

async function piped(
  { child: { stdout }, guard, ended }: Started,
  sink: Writable,
  { signal, through = [] }: { readonly signal?: AbortSignal; readonly through?: readonly Duplex[] },
): Promise<CallEnd> {
  // A sink that stalls must not delay an abort, nor the end of a docker that was killed.
  const gaveUp = new AbortController();
  const done = pipeline([stdout, ...through, sink], {
    signal: AbortSignal.any([gaveUp.signal, ...(signal ? [signal] : [])]),
  }).then(
    () => null,
    (error: Error) => {
      guard.stop();
      return error;
    },
  );
  const end = await ended;
  if (end.interrupted !== null) gaveUp.abort();
  const broken = await done;
  const interrupted = broken !== null && signal?.aborted ? 'aborted' : end.interrupted;
  // The command's own error is better than that of the pipe that broke with it.
  return {
    ...end,
    interrupted,
    ok: end.ok && broken === null,
    stderr: end.stderr.trim() || broken?.message || '',
  };
}

/** Pipe the output of one docker command to the stdin of another. Returns the end of the first to fail. */
export async function pipeCommands(
  recorder: Recorder,
  from: readonly string[],
  to: readonly string[],
  { signal, owner = null, timeout }: StreamOptions & { timeout: number },
): Promise<CallEnd> {
  const call = await recorder.call(to, owner, true);
  // Its stdin closes when this process ends, and it exits then.
  const receiver = started(recorder, ['docker', ...to], { signal, timeout }, 'ignore');
  const { stdin } = receiver.child;
  const sent = await pipeOutput(recorder, from, stdin, { ...(signal && { signal }), owner, timeout });
  stdin.destroy();
  const received = call.end(await receiver.ended);
  return received.ok ? sent : received;
}

/** Return the output of a docker command; one that prints more than `most` bytes is killed. */
export function firstBytes(
  recorder: Recorder,
  args: readonly string[],
  most: number,
  options: StreamOptions & { timeout: number },
): Promise<CallEnd & { readonly stdout: string }> {
  return recorded(recorder, args, options, async ({ child, guard, ended }) => {
    const first = new FirstBytes(most, guard.overflow);
    child.stdout.on('data', (bytes: Buffer) => first.push(bytes));
    const end = await ended;
    const stderr = end.interrupted === 'overflow' ? overflowMessage(most) : end.stderr;
    return { ...end, stderr, stdout: first.text('latin1') };
  });
}

/** A killed docker does not restore the terminal's settings. */
const restoringTerminal = `
  saved=$(stty -g 2>/dev/null)
  docker "$@"
  code=$?
  [ -z "$saved" ] || stty "$saved" 2>/dev/null
  exit "$code"`;

/** Reset the alternate screen, mouse, focus, paste and keypad modes, cursor and colours. */
const resetScreen =
  '\x1b[?1047l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1006l\x1b[?2004l\x1b[?1l\x1b>\x1b[?25h\x1b[0m';

/** Give the terminal to a docker command, such as an attached tmux, and return its exit code. */
export async function attachTerminal({ env }: Recorder, args: readonly string[]): Promise<number> {
  const result = await execa('sh', ['-c', restoringTerminal, 'docker', ...args], {
    env,
    stdio: 'inherit',
    reject: false,
    cwd: '/',
  });
  const code = result.exitCode ?? 1;
  // A killed container takes tmux with it, which would have reset the screen.
  if (code !== 0 && process.stdout.isTTY) process.stdout.write(resetScreen);
  return code;
}
