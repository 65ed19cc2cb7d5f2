import { closeSync, fdatasync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RunEvent, RunEventBody } from '../events.ts';
import { withChecksum } from './checksum.ts';
import { cleanEvent, mayBeUnclean } from './clean-event.ts';
import { redactEvent } from './redact-event.ts';
import { openFile } from './state-files.ts';
import { syncDirectory } from './write-file-atomic.ts';

/**
 * The memory of a run (I1): one event per line, appended only. `append` resolves when the event is on disk; the events of
 * one turn share a sync, and those that arrive during it the next one. Events that precede an effect are awaited before it
 * (I3, write ahead).
 */
export interface Journal extends Disposable {
  append(event: RunEventBody): Promise<void>;
  /** Call `listener` with every event, in order, before it is on disk. Returns the function that unsubscribes. */
  subscribe(listener: (event: RunEvent) => void): () => void;
  /** Resolves with the error after which nothing can be written, such as a full disk. */
  readonly broken: Promise<Error>;
}

/** Open a journal for appending. `redact` removes secrets from events. */
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

  /** Start a sync at the end of this turn, so that the events of one turn, such as a state and its intent, share it. */
  const scheduleSync = () => {
    if (syncing || waiting.length === 0) return;
    syncing = true;
    setImmediate(sync);
  };
  const sync = () => {
    const batch = waiting;
    waiting = [];
    if (closed) return inTurns(batch, ({ resolve }) => resolve());
    fdatasync(fd, error => {
      syncing = false;
      if (error && !closed) fail(error);
      // After a failed sync a later one proves nothing: the kernel has dropped the pages that it could not write.
      const over = error || closed ? [...batch, ...waiting.splice(0)] : batch;
      inTurns(over, ({ resolve, reject }) => (error && !closed ? reject(error) : resolve()));
      scheduleSync();
    });
  };

  return {
    append(body) {
      if (closed) return Promise.resolve();
      const written = Promise.withResolvers<void>();
      // Callers that do not await it must not crash the process by an unhandled rejection.
      written.promise.catch(() => {});
      const { line, event } = toLine({ v: 1, seq, at: now() }, redactEvent(body, redact), redact);
      try {
        // After a partial write the last line is torn: nothing may follow it.
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
      scheduleSync();
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

function toLine(
  place: { readonly v: 1; readonly seq: number; readonly at: number },
  body: RunEventBody,
  redact: <T>(value: T) => T,
) {
  const written = withChecksum({ ...place, ...body });
  // Control characters may have kept the parts of a secret apart, so a cleaned event is redacted again.
  return mayBeUnclean(written.line)
    ? withChecksum({ ...place, ...redactEvent(cleanEvent(body), redact) })
    : written;
}

/** Appends that are settled in one turn of the event loop. The work that awaits them is done in the same turn. */
const settledAtOnce = 100;

function inTurns<T>(items: readonly T[], work: (item: T) => void, from = 0): void {
  const next = from + settledAtOnce;
  for (const item of items.slice(from, next)) work(item);
  if (next < items.length) setImmediate(() => inTurns(items, work, next));
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
}
