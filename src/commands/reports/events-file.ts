import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { UsageError } from '../../errors.ts';
import { jsonForLog } from '../../text/log-text.ts';
import { reasonOf } from './reason.ts';
import { reportFile } from './report-file.ts';
import type { Reporter } from './reporter.ts';

/**
 * Writes every event as a line the moment it happens. Who reads slowly holds up nothing: what is not yet taken waits in
 * memory, and close waits for it.
 */
export function eventsFile(file: string, stdout: Writable): Reporter {
  const isStdout = file === '-';
  const stream = isStdout ? stdout : createWriteStream('', { fd: open(file) });
  let failure: Error | null = null;
  const fail = (error: Error) => {
    failure ??= new Error(
      `--events ${file} is incomplete: ${reasonOf(error)}. The run's journal.jsonl has them all`,
    );
  };
  stream.on('error', fail);
  return {
    onEvent(event) {
      // A CI runner reads stdout; a file is as the journal, byte for byte.
      if (failure === null) stream.write(`${isStdout ? jsonForLog(event) : JSON.stringify(event)}\n`);
    },
    async close() {
      if (isStdout) await taken(stream);
      else await finished(stream.end(), { readable: false }).catch(fail);
      stream.off('error', fail);
      if (failure !== null) throw failure;
    },
  };
}

/** Stdout is not ours to end. */
const taken = (stream: Writable) =>
  new Promise<void>(resolve => {
    stream.write('', () => resolve());
  });

function open(file: string): number {
  try {
    return reportFile(file).open();
  } catch (error) {
    throw new UsageError(`--events ${file} cannot be written: ${reasonOf(error)}. Name another file`);
  }
}
