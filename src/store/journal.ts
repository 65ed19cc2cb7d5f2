import { closeSync, fdatasync, ftruncateSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { eventSchema, type RunEvent, type RunEventBody } from '../events.ts';
import { verifyChecksum, withChecksum } from './checksum.ts';
import { cleanEvent, mayBeUnclean } from './clean-event.ts';
import { redactEvent } from './redact-event.ts';
import { openFile, readFile, statFile } from './state-files.ts';
import { syncDirectory } from './write-file-atomic.ts';

/**
 * The run's memory: one event a line, only ever appended. `append` resolves when the event is on disk; events that
 * arrive while a sync is under way share the next one.
 */
export interface Journal extends Disposable {
  append(event: RunEventBody): Promise<void>;
  /** Told every event at once, in order, before it is on disk. Returns what ends it. */
  subscribe(listener: (event: RunEvent) => void): () => void;
  /** Resolves with the reason when nothing can be written any more, such as on a full disk. */
  readonly broken: Promise<Error>;
}

/** `redact` takes out of events what may not be kept. */
export function openJournal(
  file: string,
  now: () => number,
  firstSeq = 1,
  redact = <T>(value: T) => value,
): Journal {
  const fd = openFile(file, 'a');
  syncDirectory(dirname(file));
  const listeners = new Set<(event: RunEvent) => void>();
  let seq = firstSeq;
  let syncing = false;
  let closed = false;
  let waiting: PromiseWithResolvers<void>[] = [];
  let failure: Error | null = null;
  const broken = Promise.withResolvers<Error>();
  const fail = (error: Error) => {
    failure ??= error;
    broken.resolve(failure);
  };

  const sync = () => {
    if (syncing || waiting.length === 0) return;
    const batch = waiting;
    waiting = [];
    syncing = true;
    fdatasync(fd, error => {
      syncing = false;
      if (error && !closed) fail(error);
      // After a sync that failed a later one proves nothing: the kernel has forgotten what it could not write.
      const over = error || closed ? [...batch, ...waiting.splice(0)] : batch;
      for (const { resolve, reject } of over) error && !closed ? reject(error) : resolve();
      sync();
    });
  };

  const toLine = (place: { v: 1; seq: number; at: number }, body: RunEventBody) => {
    const written = withChecksum({ ...place, ...body });
    // Control characters may have kept the parts of a secret apart, so a cleaned event is redacted again.
    return mayBeUnclean(written.line)
      ? withChecksum({ ...place, ...redactEvent(cleanEvent(body), redact) })
      : written;
  };

  return {
    append(body) {
      if (closed) return Promise.resolve();
      const written = Promise.withResolvers<void>();
      // Whoever must know awaits it; whoever does not must not crash the process.
      written.promise.catch(() => {});
      const { line, event } = toLine({ v: 1 as const, seq, at: now() }, redactEvent(body, redact));
      try {
        // What could not be told whole is torn: nothing may follow it.
        if (failure) throw failure;
        writeAll(fd, Buffer.from(`${line}\n`));
      } catch (error) {
        fail(error as Error);
        written.reject(error);
        return written.promise;
      }
      seq++;
      for (const listener of listeners) listener(event);
      waiting.push(written);
      sync();
      return written.promise;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    broken: broken.promise,
    [Symbol.dispose]() {
      closed = true;
      closeSync(fd);
    },
  };
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
}

export interface JournalContent {
  readonly events: readonly RunEvent[];
  /** What could not be read, for people; empty where all is well. */
  readonly damage: readonly string[];
}

/**
 * Reads a journal. Lines that cannot be read are left out and named: what they told, Docker's facts tell again, or
 * nobody does. A last line that a crash tore was never believed to be written.
 */
export function readJournal(file: string): JournalContent {
  if (!statFile(file)) return { events: [], damage: [] };
  const lines = readFile(file).toString().split('\n');
  const torn = lines.pop() !== '';
  const events: RunEvent[] = [];
  const damage: string[] = [];
  for (const [index, line] of lines.entries()) {
    const event = parseLine(line);
    if (event === null)
      damage.push(`${file}: line ${index + 1} of ${lines.length} cannot be read and was left out`);
    else events.push(event);
  }
  if (torn) damage.push(`${file}: the last line is incomplete and was dropped`);
  return { events, damage };
}

/** Takes a torn last line away, so that what is appended begins a line of its own. */
export function truncateTornLine(file: string): void {
  if (!statFile(file)) return;
  const bytes = readFile(file);
  const whole = bytes.lastIndexOf('\n') + 1;
  if (whole === bytes.length) return;
  const fd = openFile(file, 'r+');
  ftruncateSync(fd, whole);
  closeSync(fd);
}

/** What a line of a journal tells; null where it cannot be believed. */
export function parseLine(line: string): RunEvent | null {
  try {
    const told = JSON.parse(line);
    const event = eventSchema.parse(told) as RunEvent;
    return verifyChecksum(line, told, event) ? event : null;
  } catch {
    return null;
  }
}
