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
 * The door for docker children that we watch, write to a file, or hand the terminal to. They end with us.
 */

export interface StreamOptions {
  readonly signal?: AbortSignal;
  readonly owner?: CallScope | null;
  /** The command is run again and again: it is journaled where its outcome changes. */
  readonly isPolling?: boolean;
}

/**
 * A docker with nothing to say would outlive an engine that is killed for ever. Its shell keeps a pipe of ours open; that
 * closes with us, however we end; then the whole group is killed. A Ctrl-C of the terminal is for us alone.
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
  // execa's own listens to signals, which a program that embeds us has its own mind about.
  cleanup: false,
  // As in cli.ts: ours may be removed.
  cwd: '/',
});
const viaShell = ['sh', '-c', dieWithParentScript] as const;

/** A docker that has been started. */
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
  // Any descriptor will do; the types of execa name those of the terminal.
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

/** A docker command that is recorded. `follow` takes what it prints, and returns how it ended. */
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
  /** Bytes of a line; the rest of a longer one is left out. */
  readonly mostOfLine?: number;
  /** Bytes of all lines, and of its stderr; a command that prints more is killed. */
  readonly most?: number;
  /** Changes what is printed before it is cut into lines. */
  readonly through?: { add(bytes: Buffer): Buffer; end(): Buffer };
}

/** Follows a docker command line by line until it ends or `signal` fires. */
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

/** Write what a docker command prints to a file. */
export function saveOutput(
  recorder: Recorder,
  args: readonly string[],
  file: string,
  { through = [], ...options }: StreamOptions & { timeout: number; through?: readonly Duplex[] },
): Promise<CallEnd> {
  // Passed on as it comes: a transcript of any length takes no more memory than a short one.
  return recorded(recorder, args, options, docker =>
    piped(docker, createWriteStream(file), { through, ...options }),
  );
}

/** Write what a docker command prints to an open file, which needs no name. */
export function copyOutput(
  recorder: Recorder,
  args: readonly string[],
  fd: number,
  options: StreamOptions & { timeout: number },
): Promise<CallEnd> {
  return recorded(recorder, args, options, ({ ended }) => ended, fd);
}

/** Gives what a docker command prints to `sink`, no faster than that takes it. A sink that fails ends the command. */
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
  // Whoever takes nothing more is not waited for when nobody wants it any more, or when docker has been killed.
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
  // A command that failed says why better than the pipe that broke with it.
  return {
    ...end,
    interrupted,
    ok: end.ok && broken === null,
    stderr: end.stderr.trim() || broken?.message || '',
  };
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
  const receiver = started(recorder, ['docker', ...to], { signal, timeout }, 'ignore');
  const { stdin } = receiver.child;
  const sent = await pipeOutput(recorder, from, stdin, { ...(signal && { signal }), owner, timeout });
  stdin.destroy();
  const received = call.end(await receiver.ended);
  return received.ok ? sent : received;
}

/** What a docker command prints first; one that prints more than `most` bytes is killed. */
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

/** A docker that is killed leaves the terminal as it has set it. */
const restoringTerminal = `
  saved=$(stty -g 2>/dev/null)
  docker "$@"
  code=$?
  [ -z "$saved" ] || stty "$saved" 2>/dev/null
  exit "$code"`;

/** Of a program that draws: its second screen, mouse, focus, paste and keypad modes, a hidden cursor and colours. */
const resetScreen =
  '\x1b[?1047l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1006l\x1b[?2004l\x1b[?1l\x1b>\x1b[?25h\x1b[0m';

/** Gives the terminal to a docker command, such as an attached tmux, and returns its exit code. */
export async function attachTerminal({ env }: Recorder, args: readonly string[]): Promise<number> {
  const result = await execa('sh', ['-c', restoringTerminal, 'docker', ...args], {
    env,
    stdio: 'inherit',
    reject: false,
    cwd: '/',
  });
  const code = result.exitCode ?? 1;
  // A container that is killed takes tmux with it, which would have done so.
  if (code !== 0 && process.stdout.isTTY) process.stdout.write(resetScreen);
  return code;
}
