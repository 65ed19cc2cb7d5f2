/** Runs docker commands whose output is followed, piped, or written to a file. They end with this process. */

import { createWriteStream } from 'node:fs';
import type { Duplex, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { separateOutput } from './container-output.ts';
import {
  type RunningCommand,
  runRecorded,
  type StreamOptions,
  spawnProcess,
  tiedToParent,
} from './docker-process.ts';
import { lineReader, type OnLine } from './line-reader.ts';
import { FirstBytes, overflowMessage } from './output.ts';
import type { CallEnd, Recorder } from './recorder.ts';

export interface LineOptions extends StreamOptions {
  /** Maximum bytes of a line; the rest of a longer one is dropped. */
  readonly maxLineBytes?: number;
  /** Maximum bytes of all lines and of stderr; a command that prints more is killed. */
  readonly maxBytes?: number;
  /** The command is repeated: it is journaled only when its result changes. */
  readonly isPolling?: boolean;
  /** Transforms the output before it is split into lines. */
  readonly through?: { add(bytes: Buffer): Buffer; end(): Buffer };
}

/** Follow a docker command line by line until it ends or `signal` fires. */
export async function followLines(
  recorder: Recorder,
  args: readonly string[],
  onLine: OnLine,
  {
    maxLineBytes,
    maxBytes = Number.POSITIVE_INFINITY,
    through,
    signal,
    scope = null,
    isPolling = false,
  }: LineOptions = {},
): Promise<CallEnd> {
  const call = await recorder.call(args, scope, false, isPolling);
  const { child, control, ended } = spawnProcess(recorder, tiedToParent(args), { signal });
  const lines = lineReader(onLine, maxLineBytes);
  let size = 0;
  const accept = (bytes: Buffer) => {
    size += bytes.length;
    if (size > maxBytes) control.overflow();
    return size <= maxBytes;
  };
  child.stderr.on('data', accept);
  child.stdout.on('data', (bytes: Buffer) => {
    if (accept(bytes)) lines.add(through ? through.add(bytes) : bytes);
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
  return runRecorded(recorder, args, options, docker =>
    pipeToSink(docker, createWriteStream(file), { through, ...options }),
  );
}

/** Write the output of a docker command to an open file, which need not have a name. */
export function copyOutput(
  recorder: Recorder,
  args: readonly string[],
  fd: number,
  options: StreamOptions & { timeout: number },
): Promise<CallEnd> {
  return runRecorded(recorder, args, options, ({ ended }) => ended, fd);
}

/** Pipe the output of a docker command to `sink`, with its back-pressure. A sink that fails ends the command. */
export function pipeOutput(
  recorder: Recorder,
  args: readonly string[],
  sink: Writable,
  options: PipeOptions,
): Promise<CallEnd> {
  return runRecorded(recorder, args, options, docker => pipeToSink(docker, sink, options));
}

async function pipeToSink(
  { child: { stdout }, control, ended }: RunningCommand,
  sink: Writable,
  { signal, through = [] }: { readonly signal?: AbortSignal; readonly through?: readonly Duplex[] },
): Promise<CallEnd> {
  // A sink that stalls must not delay an abort, nor the end of a docker that was killed.
  const abandoned = new AbortController();
  const piped = pipeline([stdout, ...through, sink], {
    signal: AbortSignal.any([abandoned.signal, ...(signal ? [signal] : [])]),
  }).then(
    () => null,
    (error: Error) => {
      control.stop();
      return error;
    },
  );
  const end = await ended;
  if (end.interrupted !== null) abandoned.abort();
  const pipeError = await piped;
  const interrupted = pipeError !== null && signal?.aborted ? 'aborted' : end.interrupted;
  // The command's own error is better than that of the pipe that broke with it.
  return {
    ...end,
    interrupted,
    ok: end.ok && pipeError === null,
    stderr: end.stderr.trim() || pipeError?.message || '',
  };
}

/**
 * Pipe the output of one docker command to the stdin of another. Returns the end of the receiver if it failed, otherwise
 * that of the sender.
 */
export async function pipeCommands(
  recorder: Recorder,
  from: readonly string[],
  to: readonly string[],
  options: PipeOptions,
): Promise<CallEnd> {
  const { sent, received } = await pipeBetween({ recorder, args: from }, { recorder, args: to }, options);
  return received.ok ? sent : received;
}

interface PipeOptions extends StreamOptions {
  /** Milliseconds. */
  readonly timeout: number;
  /** Transforms the output on its way. */
  readonly through?: readonly Duplex[];
}

interface PipedCommand {
  readonly recorder: Recorder;
  readonly args: readonly string[];
}

/**
 * Pipe the output of a docker command to the stdin of another, which may use another engine. The receiver is journaled as a
 * change before either command starts. It runs without the shell: it exits when its stdin closes.
 */
export async function pipeBetween(
  from: PipedCommand,
  to: PipedCommand,
  { signal, scope = null, timeout, through = [] }: PipeOptions,
): Promise<{ readonly sent: CallEnd; readonly received: CallEnd }> {
  const call = await to.recorder.call(to.args, scope, true);
  const receiver = spawnProcess(to.recorder, ['docker', ...to.args], { signal, timeout }, 'ignore');
  const { stdin } = receiver.child;
  const options = { ...(signal && { signal }), scope, timeout, through };
  const sent = await pipeOutput(from.recorder, from.args, stdin, options);
  stdin.destroy();
  return { sent, received: call.end(await receiver.ended) };
}

/** Return the output as latin1, one character per byte; fail if it is longer than `maxBytes`. */
export function readOutput(
  recorder: Recorder,
  args: readonly string[],
  maxBytes: number,
  options: StreamOptions & { timeout: number },
): Promise<CallEnd & { readonly stdout: string }> {
  return runRecorded(recorder, args, options, async ({ child, control, ended }) => {
    const first = new FirstBytes(maxBytes, control.overflow);
    child.stdout.on('data', (bytes: Buffer) => first.push(bytes));
    const end = await ended;
    const stderr = end.interrupted === 'overflow' ? overflowMessage(maxBytes) : end.stderr;
    return { ...end, stderr, stdout: first.text('latin1') };
  });
}
