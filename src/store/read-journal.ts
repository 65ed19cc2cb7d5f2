import { closeSync, ftruncateSync, readSync } from 'node:fs';
import { eventSchema, type RunEvent } from '../events.ts';
import { verifyChecksum } from './checksum.ts';
import { openFile, readFile, statFile } from './state-files.ts';

export interface JournalContent {
  readonly events: readonly RunEvent[];
  /** Messages about lines that could not be read. */
  readonly damage: readonly string[];
}

/**
 * Read a journal. Lines that cannot be read are left out and reported; Docker's facts may replace what they held (I1). The
 * append of a last line that a crash has torn never resolved, so nothing relies on it.
 */
export function readJournal(file: string): JournalContent {
  const damage: string[] = [];
  const events = [...journalEvents(file, damage)];
  return { events, damage };
}

/** Read a journal event by event, so that a long one needs no memory. Messages about lines are added to `damage` at its end. */
export function* journalEvents(file: string, damage: string[] = []): Generator<RunEvent> {
  if (!statFile(file)) return;
  const unreadable: number[] = [];
  let count = 0;
  let isTorn = false;
  for (const { line, isWhole } of linesOf(file)) {
    isTorn = !isWhole;
    if (isTorn) break;
    count++;
    const event = parseLine(line);
    if (event === null) unreadable.push(count);
    else yield event;
  }
  for (const number of unreadable)
    damage.push(`${file}: line ${number} of ${count} cannot be read and was left out`);
  if (isTorn) damage.push(`${file}: the last line is incomplete and was dropped`);
}

const chunkBytes = 2 ** 20;

/** Yield the lines of a file; a last one without its newline is not whole. */
function* linesOf(file: string): Generator<{ readonly line: string; readonly isWhole: boolean }> {
  const fd = openFile(file, 'r');
  try {
    const chunk = Buffer.alloc(chunkBytes);
    let rest = Buffer.alloc(0);
    for (let read = readSync(fd, chunk); read > 0; read = readSync(fd, chunk)) {
      const bytes = Buffer.concat([rest, chunk.subarray(0, read)]);
      const end = bytes.lastIndexOf('\n') + 1;
      rest = bytes.subarray(end);
      if (end === 0) continue;
      for (const line of bytes.toString('utf8', 0, end - 1).split('\n')) yield { line, isWhole: true };
    }
    if (rest.length > 0) yield { line: rest.toString(), isWhole: false };
  } finally {
    closeSync(fd);
  }
}

/** Truncate a torn last line, so that the next event begins a line of its own. */
export function truncateTornLine(file: string): void {
  if (!statFile(file)) return;
  const bytes = readFile(file);
  const whole = bytes.lastIndexOf('\n') + 1;
  if (whole === bytes.length) return;
  const fd = openFile(file, 'r+');
  ftruncateSync(fd, whole);
  closeSync(fd);
}

/** Parse a line of a journal; null if it is not a valid event, or its checksum is wrong. */
export function parseLine(line: string): RunEvent | null {
  try {
    const written = JSON.parse(line);
    const event = eventSchema.parse(written) as RunEvent;
    return verifyChecksum(line, written, event) ? event : null;
  } catch {
    return null;
  }
}
