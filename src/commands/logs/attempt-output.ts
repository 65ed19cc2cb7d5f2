import { closeSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineConnection } from '../../connection/engine-connection.ts';
import { dockerError } from '../../docker/classify-error.ts';
import { matchesMessage } from '../../docker/messages.ts';
import type { CallEnd, Recorder } from '../../docker/recorder.ts';
import { copyOutput, pipeOutput } from '../../docker/stream.ts';
import { EngineError, FlowError, UsageError } from '../../errors.ts';
import { hasProc } from '../../store/directory-handle.ts';
import { scratchDirectory } from '../../store/scratch-directory.ts';
import { siblingRun } from '../../store/state-directory.ts';
import { isAbsent, openFile } from '../../store/state-files.ts';
import { outputBegin } from '../../transcript/output-begin.ts';
import type { FoundAgent } from '../find-agent.ts';
import { followedOutput } from './followed-output.ts';
import { printedEnd, readOutput, tailStart } from './output-file.ts';
import type { Printer } from './printers.ts';
import type { RunSecrets } from './run-secrets.ts';

/** The part of an output to print. */
export interface Part {
  /** Number of lines from the end; null for all. */
  readonly tail: number | null;
  /** Milliseconds since the epoch; null to start at the beginning. */
  readonly since: number | null;
}

/** Destination of an attempt's output, and what is needed to read it. */
export interface Sink {
  readonly printer: Pick<Printer, 'write'>;
  /** Unseals secrets before a container's output is read. A transcript is already redacted. */
  readonly secrets: Pick<RunSecrets, 'unseal'>;
  /** Connects to the engine of the container, if one is read. */
  readonly connection: () => Promise<Pick<EngineConnection, 'recorder'>>;
  readonly signal?: AbortSignal;
}

/**
 * Print the output of an attempt: from its container until it has an outcome, from its transcript afterwards. `follow`
 * continues to the end of the container, or until the signal fires. Return the number of bytes, or null if there is
 * nothing to read yet.
 */
export async function printAttempt(
  found: FoundAgent,
  attempt: number,
  part: Part,
  follow: boolean,
  sink: Sink,
): Promise<number | null> {
  const record = found.agent.attempts.find(entry => entry.attempt === attempt);
  // Only Docker has the time of each line, for `--since`: the transcript has none.
  if (record?.containerId && (record.status === null || part.since !== null)) {
    const { signal } = sink;
    const unseal = () => sink.secrets.unseal(found, attempt);
    await unseal();
    const write = async (bytes: Buffer) => {
      await unseal();
      await sink.printer.write(bytes);
    };
    const read = follow && record.status === null ? followContainer : readContainer;
    const { recorder } = await sink.connection();
    const printed = await read(recorder, record.containerId, part, write, signal);
    if (printed !== null) return printed;
  }
  const { reused } = found.agent;
  const folder = reused === undefined ? found.folder : siblingRun(found.folder, reused);
  const transcript = await openTranscript(folder.transcript(found.agent.name, attempt));
  if (transcript === null) return null;
  try {
    if (part.since !== null)
      throw new UsageError(
        `--since requires the container of attempt ${attempt}, which is gone: a transcript has no times. Use --tail`,
      );
    const { size } = await transcript.stat();
    return await readOutput(transcript, await range(transcript, size, part), sink.printer.write);
  } finally {
    await transcript.close();
  }
}

/** Open a transcript without following links. Return null if there is none. */
export async function openTranscript(file: string): Promise<FileHandle | null> {
  let fd: number;
  try {
    fd = openFile(file, 'r');
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
  try {
    return await open(hasProc ? `/proc/self/fd/${fd}` : file);
  } finally {
    closeSync(fd);
  }
}

async function followContainer(
  recorder: Recorder,
  id: string,
  part: Part,
  write: Printer['write'],
  signal?: AbortSignal,
): Promise<number | null> {
  const tail = part.tail === null ? [] : [`--tail=${part.tail}`];
  const args = ['logs', '--follow', ...tail, ...sinceFlag(part), id];
  const output = followedOutput(write);
  const result = await pipeOutput(recorder, args, output.sink, { timeout: 0, ...(signal && { signal }) });
  const printed = output.printed();
  return exists(result, id) ? printed : null;
}

async function readContainer(
  recorder: Recorder,
  id: string,
  part: Part,
  write: Printer['write'],
  signal?: AbortSignal,
): Promise<number | null> {
  // `docker logs --tail` counts pieces of 16 kB as lines, so read more until there are enough whole lines.
  for (let count = (part.tail ?? 0) + 2, before = -1; ; count *= 16) {
    const tail = part.tail === null ? [] : [`--tail=${count}`];
    const copy = await copyOf(recorder, id, [...tail, ...sinceFlag(part)], signal);
    try {
      if (!exists(copy.result, id)) return null;
      const { size } = await copy.file.stat();
      const found = await range(copy.file, await printedEnd(copy.file), part);
      if (part.tail === null || found.start > 0 || size === before || count > size)
        return await readPrinted(copy.file, found, write);
      before = size;
    } finally {
      await copy.file.close();
    }
  }
}

/** Return the range of the last `tail` lines before `end`. */
export async function range(file: FileHandle, end: number, { tail }: Part) {
  return { start: tail === null ? 0 : await tailStart(file, end, tail), end };
}

/** Write what the agent printed, without the lines of the container itself. */
async function readPrinted(
  file: FileHandle,
  part: { readonly start: number; readonly end: number },
  write: Printer['write'],
): Promise<number> {
  const begin = outputBegin();
  let printed = 0;
  const pass = async (bytes: Buffer) => {
    printed += bytes.length;
    if (bytes.length > 0) await write(bytes);
  };
  await readOutput(file, part, bytes => pass(begin.add(bytes)));
  await pass(begin.end());
  return printed;
}

const sinceFlag = ({ since }: Part) => (since === null ? [] : [`--since=${new Date(since).toISOString()}`]);

/** Return false if the container is gone. Throw any other error of docker. */
function exists(result: CallEnd, id: string): boolean {
  if (result.ok || result.interrupted === 'aborted') return true;
  if (matchesMessage('noContainer', result.stderr)) return false;
  const args = ['logs', id];
  throw new EngineError(dockerError({ ...result, args }, { operation: "read the agent's output" }).message);
}

/**
 * Copy a container's output from Docker to a file, to read it from its end. The file is unlinked before the first byte is
 * written, so nothing is left of it however this process ends.
 */
const copyTimeoutMs = 600_000;

async function copyOf(recorder: Recorder, id: string, options: readonly string[], signal?: AbortSignal) {
  const file = await namelessFile();
  const limits = { timeout: copyTimeoutMs, ...(signal && { signal }) };
  return { file, result: await copyOutput(recorder, ['logs', ...options, id], file.fd, limits) };
}

async function namelessFile(): Promise<FileHandle> {
  const folder = await scratchDirectory('agent-flow-logs-').catch((error: Error) => {
    throw new FlowError(error.message, 3, { cause: error });
  });
  try {
    return await open(join(folder, 'output'), 'wx+', 0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
