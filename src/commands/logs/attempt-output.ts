import { closeSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineConnection } from '../../connection/engine-connection.ts';
import { dockerError, matchesMessage } from '../../docker/errors.ts';
import type { CallEnd, Recorder } from '../../docker/recorder.ts';
import { copyOutput, pipeOutput } from '../../docker/stream.ts';
import { EngineError, FlowError, UsageError } from '../../errors.ts';
import { hasProc } from '../../store/directory-handle.ts';
import { scratchDirectory } from '../../store/scratch-directory.ts';
import { isAbsent, openFile } from '../../store/state-files.ts';
import { outputBegin } from '../../transcript/output-begin.ts';
import type { FoundAgent } from '../find-agent.ts';
import { followedOutput } from './followed-output.ts';
import { printedEnd, readOutput, tailStart } from './output-file.ts';
import type { Printer } from './printers.ts';
import type { RunSecrets } from './run-secrets.ts';

/** Which part of an output is asked for. */
export interface Part {
  /** How many of its last lines; null: all. */
  readonly tail: number | null;
  /** Milliseconds since the epoch; null: from its beginning. */
  readonly since: number | null;
}

/** Where an attempt's output goes. */
export interface Sink {
  readonly printer: Pick<Printer, 'write'>;
  /** What is read out of a container is unsealed first; a transcript has been redacted when it was kept. */
  readonly secrets: Pick<RunSecrets, 'unseal'>;
  /** The engine that its container is on, asked for where one is read. */
  readonly connection: () => Promise<Pick<EngineConnection, 'recorder'>>;
  readonly signal?: AbortSignal;
}

/**
 * Print what an attempt has printed: out of its container while there is no verdict on it, and from its transcript
 * afterwards. `follow` goes on to the container's end, or until the signal fires. Returns the number of bytes; null
 * where there is nothing to read yet.
 */
export async function printAttempt(
  found: FoundAgent,
  attempt: number,
  part: Part,
  follow: boolean,
  sink: Sink,
): Promise<number | null> {
  const told = found.agent.attempts.find(entry => entry.attempt === attempt);
  // Of a container that was kept, Docker still knows when it said what; the transcript does not.
  if (told?.containerId && (told.status === null || part.since !== null)) {
    const { signal } = sink;
    const unseal = () => sink.secrets.unseal(found, attempt);
    await unseal();
    const write = async (bytes: Buffer) => {
      await unseal();
      await sink.printer.write(bytes);
    };
    const read = follow && told.status === null ? followContainer : readContainer;
    const { recorder } = await sink.connection();
    const printed = await read(recorder, told.containerId, part, write, signal);
    if (printed !== null) return printed;
  }
  const transcript = await openTranscript(found.folder.transcript(found.agent.name, attempt));
  if (transcript === null) return null;
  try {
    if (part.since !== null)
      throw new UsageError(
        `the container of attempt ${attempt} is gone, and a transcript does not say when a line was printed: --since cannot be told. Try --tail`,
      );
    const { size } = await transcript.stat();
    return await readOutput(transcript, await range(transcript, size, part), sink.printer.write);
  } finally {
    await transcript.close();
  }
}

/** Null where there is none. Like all files of the state directory it is opened where it lies: no link is followed. */
async function openTranscript(file: string): Promise<FileHandle | null> {
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
  const answer = await pipeOutput(recorder, args, output.sink, { timeout: 0, ...(signal && { signal }) });
  const printed = output.printed();
  return isThere(answer, id) ? printed : null;
}

async function readContainer(
  recorder: Recorder,
  id: string,
  part: Part,
  write: Printer['write'],
  signal?: AbortSignal,
): Promise<number | null> {
  // Docker counts pieces of 16 kB where we count lines, so it is asked for more until the lines are whole.
  for (let asked = (part.tail ?? 0) + 2, before = -1; ; asked *= 16) {
    const tail = part.tail === null ? [] : [`--tail=${asked}`];
    const copy = await copyOf(recorder, id, [...tail, ...sinceFlag(part)], signal);
    try {
      if (!isThere(copy.answer, id)) return null;
      const { size } = await copy.file.stat();
      const found = await range(copy.file, await printedEnd(copy.file), part);
      if (part.tail === null || found.start > 0 || size === before || asked > size)
        return await readPrinted(copy.file, found, write);
      before = size;
    } finally {
      await copy.file.close();
    }
  }
}

/** Where the last lines before `end` are that are asked for. */
async function range(file: FileHandle, end: number, { tail }: Part) {
  return { start: tail === null ? 0 : await tailStart(file, end, tail), end };
}

/** Tell what an agent has printed, of all that its container has said. */
async function readPrinted(
  file: FileHandle,
  part: { readonly start: number; readonly end: number },
  write: Printer['write'],
): Promise<number> {
  const begin = outputBegin();
  let printed = 0;
  const tell = async (bytes: Buffer) => {
    printed += bytes.length;
    if (bytes.length > 0) await write(bytes);
  };
  await readOutput(file, part, bytes => tell(begin.add(bytes)));
  await tell(begin.end());
  return printed;
}

const sinceFlag = ({ since }: Part) => (since === null ? [] : [`--since=${new Date(since).toISOString()}`]);

/** False where the container is gone. */
function isThere(answer: CallEnd, id: string): boolean {
  // Whoever does not want to know any more does not ask whether it is there.
  if (answer.ok || answer.interrupted === 'aborted') return true;
  if (matchesMessage('noContainer', answer.stderr)) return false;
  const args = ['logs', id];
  throw new EngineError(
    dockerError({ ...answer, args }, { operation: 'read what the agent prints' }).message,
  );
}

/**
 * Copy what Docker holds of a container's output to a file of our own, to read it from its end: Docker keeps only so much
 * of it. The file has no name when the first byte is written, so nothing is left of it however we end.
 */
const copyTimeoutMs = 600_000;

async function copyOf(recorder: Recorder, id: string, options: readonly string[], signal?: AbortSignal) {
  const file = await namelessFile();
  const limits = { timeout: copyTimeoutMs, ...(signal && { signal }) };
  return { file, answer: await copyOutput(recorder, ['logs', ...options, id], file.fd, limits) };
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
