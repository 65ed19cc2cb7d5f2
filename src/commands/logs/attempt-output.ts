import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dockerError } from '../../docker/errors.ts';
import { type CallEnd, unrecorded } from '../../docker/recorder.ts';
import { saveOutput } from '../../docker/stream.ts';
import { EngineError, UsageError } from '../../errors.ts';
import type { FoundAgent } from '../find-agent.ts';
import { printedEnd, readOutput, tailStart } from './output-file.ts';
import type { Printer } from './printers.ts';

/** Which part of an output is asked for. */
export interface Part {
  /** How many of its last lines; null: all. */
  readonly tail: number | null;
  /** Milliseconds since the epoch; null: from its beginning. */
  readonly since: number | null;
}

/**
 * Prints what an attempt has printed: out of its container while there is no verdict on it, and from its transcript
 * afterwards. `follow` goes on to the container's end, or until `signal` fires. Returns the number of bytes; null where there is nothing to
 * read yet.
 */
export async function printAttempt(
  found: FoundAgent,
  attempt: number,
  part: Part,
  follow: boolean,
  printer: Pick<Printer, 'write'>,
  signal?: AbortSignal,
): Promise<number | null> {
  const told = found.agent.attempts.find(entry => entry.attempt === attempt);
  // Of a container that was kept, Docker still knows when it said what; the transcript does not.
  if (told?.containerId && (told.status === null || part.since !== null)) {
    const read = follow && told.status === null ? followContainer : readContainer;
    const printed = await read(told.containerId, part, printer, signal);
    if (printed !== null) return printed;
  }
  const transcript = await open(found.folder.transcript(found.agent.name, attempt)).catch(error => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (transcript === null) return null;
  try {
    if (part.since !== null)
      throw new UsageError(
        `the container of attempt ${attempt} is gone, and a transcript does not say when a line was printed: --since cannot be told. Try --tail`,
      );
    return await readOutput(transcript, await begin(transcript, part), Promise.resolve(), printer.write);
  } finally {
    await transcript.close();
  }
}

async function followContainer(
  id: string,
  part: Part,
  printer: Pick<Printer, 'write'>,
  signal?: AbortSignal,
): Promise<number | null> {
  const tail = part.tail === null ? [] : [`--tail=${part.tail}`];
  const copy = await copyOf(id, ['--follow', ...tail, ...sinceFlag(part)], 0, signal);
  try {
    const printed = await readOutput(copy.file, 0, copy.done, async bytes => {
      await copy.hide();
      await printer.write(bytes);
    });
    return isThere(await copy.done, id) ? printed : null;
  } finally {
    await copy.close();
  }
}

async function readContainer(
  id: string,
  part: Part,
  printer: Pick<Printer, 'write'>,
  signal?: AbortSignal,
): Promise<number | null> {
  // Docker counts pieces of 16 kB where we count lines, so it is asked for more until the lines are whole.
  for (let asked = (part.tail ?? 0) + 2, before = -1; ; asked *= 16) {
    const tail = part.tail === null ? [] : [`--tail=${asked}`];
    const copy = await copyOf(id, [...tail, ...sinceFlag(part)], 600_000, signal);
    try {
      if (!isThere(await copy.done, id)) return null;
      const { size } = await copy.file.stat();
      const start = await begin(copy.file, part);
      if (part.tail === null || start > 0 || size === before || asked > size)
        return await readOutput(copy.file, start, copy.done, printer.write);
      before = size;
    } finally {
      await copy.close();
    }
  }
}

async function begin(file: FileHandle, { tail }: Part): Promise<number> {
  if (tail === null) return 0;
  return tailStart(file, await printedEnd(file, (await file.stat()).size, true), tail);
}

const sinceFlag = ({ since }: Part) => (since === null ? [] : [`--since=${new Date(since).toISOString()}`]);

/** False where the container is gone. */
function isThere(answer: CallEnd, id: string): boolean {
  // Whoever does not want to know any more does not ask whether it is there.
  if (answer.ok || answer.cutOff === 'aborted') return true;
  if (/no such container/i.test(answer.stderr)) return false;
  const args = ['logs', id];
  throw new EngineError(
    dockerError({ ...answer, args }, { doing: 'read what the agent prints', at: Date.now() }).message,
  );
}

/**
 * A copy of what Docker holds of a container's output, in a file of our own: whoever reads slowly makes it longer,
 * not our memory. `hide` takes its name away, so that nothing is left of it even where we are killed.
 */
async function copyOf(id: string, options: readonly string[], timeout: number, signal?: AbortSignal) {
  const folder = await mkdtemp(join(tmpdir(), 'agent-flow-logs-'));
  const path = join(folder, 'output');
  const file = await open(path, 'w+', 0o600);
  const done = saveOutput(unrecorded, ['logs', ...options, id], path, {
    timeout,
    ...(signal && { signal }),
  });
  let isHidden = false;
  const hide = async () => {
    if (!isHidden) await rm(folder, { recursive: true, force: true });
    isHidden = true;
  };
  return {
    file,
    done,
    hide,
    async close() {
      await file.close();
      await hide();
    },
  };
}
