import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { UsageError } from '../../errors.ts';
import { jsonForLog } from '../../text/log-text.ts';
import { reasonOf } from './reason.ts';
import { reportFile } from './report-file.ts';
import type { Reporter } from './reporter.ts';

/**
 * Write every event as a line the moment it happens. A slow reader delays nothing: unread lines wait in memory, and `close`
 * waits for them.
 */
export function eventsFile(file: string, stdout: Writable): Reporter {
  const isStdout = file === '-';
  const stream = isStdout ? stdout : createWriteStream('', { fd: open(file) });
  let failure: Error | null = null;
  const fail = (error: Error) => {
    failure ??= new Error(
      `--events ${file} is incomplete: ${reasonOf(error)}. All events are in the run's journal.jsonl`,
    );
  };
  stream.on('error', fail);
  return {
    onEvent(event) {
      // Escape commands of CI runners on stdout; a file has the bytes of the journal.
      if (failure === null) stream.write(`${isStdout ? jsonForLog(event) : JSON.stringify(event)}\n`);
    },
    async close() {
      if (isStdout) await flushed(stream);
      else await finished(stream.end(), { readable: false }).catch(fail);
      stream.off('error', fail);
      if (failure !== null) throw failure;
    },
  };
}

/** Wait until stdout, which stays open, has taken everything. */
const flushed = (stream: Writable) =>
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
