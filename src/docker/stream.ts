import { createWriteStream } from 'node:fs';
import type { Duplex, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { separateOutput } from './container-output.ts';
import {
  type RunningCommand,
  runRecorded,
  type StreamOptions,
  spawnDocker,
  tiedToParent,
} from './docker-process.ts';
import { lineReader, type OnLine } from './line-reader.ts';
import { FirstBytes, overflowMessage } from './output.ts';
import type { CallEnd, Recorder } from './recorder.ts';

/** Run docker commands whose output is followed, piped, or written to a file. They end with this process. */

export interface LineOptions extends StreamOptions {
  /** Maximum bytes of a line; the rest of a longer one is dropped. */
  readonly maxLineBytes?: number;
  /** Maximum bytes of all lines and of stderr; a command that prints more is killed. */
  readonly maxBytes?: number;
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
  const { child, control, ended } = spawnDocker(recorder, tiedToParent(args), { signal });
  const lines = lineReader(onLine, maxLineBytes);
  let size = 0;
  const isTaken = (bytes: Buffer) => {
    size += bytes.length;
    if (size > maxBytes) control.overflow();
    return size <= maxBytes;
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
  options: StreamOptions & { timeout: number },
): Promise<CallEnd> {
  return runRecorded(recorder, args, options, docker => pipeToSink(docker, sink, options));
}

async function pipeToSink(
  { child: { stdout }, control, ended }: RunningCommand,
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
      control.stop();
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
  { signal, scope = null, timeout }: StreamOptions & { timeout: number },
): Promise<CallEnd> {
  const call = await recorder.call(to, scope, true);
  // Its stdin closes when this process ends, and it exits then.
  const receiver = spawnDocker(recorder, ['docker', ...to], { signal, timeout }, 'ignore');
  const { stdin } = receiver.child;
  const sent = await pipeOutput(recorder, from, stdin, { ...(signal && { signal }), scope, timeout });
  stdin.destroy();
  const received = call.end(await receiver.ended);
  return received.ok ? sent : received;
}

/** Return the output of a docker command; one that prints more than `most` bytes is killed. */
export function readOutput(
  recorder: Recorder,
  args: readonly string[],
  most: number,
  options: StreamOptions & { timeout: number },
): Promise<CallEnd & { readonly stdout: string }> {
  return runRecorded(recorder, args, options, async ({ child, control, ended }) => {
    const first = new FirstBytes(most, control.overflow);
    child.stdout.on('data', (bytes: Buffer) => first.push(bytes));
    const end = await ended;
    const stderr = end.interrupted === 'overflow' ? overflowMessage(most) : end.stderr;
    return { ...end, stderr, stdout: first.text('latin1') };
  });
}
