import { closeSync, fstatSync, readSync } from 'node:fs';
import { type FlowState, liveFlowState } from '../state/flow-state.ts';
import { lockHolder } from '../store/lock.ts';
import { parseLine } from '../store/read-journal.ts';
import type { RunFolder } from '../store/state-directory.ts';
import { openFile, statFile } from '../store/state-files.ts';

/** The events of a run, read from its journal, with or without an active supervisor. */
export interface RunFeed extends Disposable {
  readonly folder: RunFolder;
  /** The state after all events. Its agents change with later ones. */
  readonly state: FlowState;
  /** The events as lines of text. */
  readonly lines: readonly string[];
  /** Whether a supervisor drives the run. */
  readonly hasSupervisor: boolean;
  /** Read new events at once instead of at the next poll. */
  poll(): void;
  /** Call the listener after new events, and when `hasSupervisor` changes. Returns the unsubscribe function. */
  subscribe(listener: () => void): () => void;
}

const pollIntervalMs = 100;

export function openRunFeed(folder: RunFolder): RunFeed {
  const lines: string[] = [];
  const listeners = new Set<() => void>();
  const isLocked = () => lockHolder(folder.lock) !== null;
  let hasSupervisor = isLocked();
  const flow = liveFlowState();
  let offset = 0;
  let polls = 0;

  const take = () => {
    const { text, end } = readWholeLines(folder.journal, offset);
    offset = end;
    for (const line of text) {
      const event = parseLine(line);
      if (event === null) continue;
      flow.apply(event);
      lines.push(line);
    }
    return text.length > 0;
  };
  const poll = () => {
    const more = take();
    // Checking for a live process costs more than reading a file.
    const before = hasSupervisor;
    if (more || polls++ % 10 === 0) hasSupervisor = isLocked();
    if (more || hasSupervisor !== before) for (const listener of listeners) listener();
  };
  take();
  const polling = setInterval(poll, pollIntervalMs);
  polling.unref();

  return {
    folder,
    lines,
    get state() {
      return flow.current();
    },
    get hasSupervisor() {
      return hasSupervisor;
    },
    poll,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    [Symbol.dispose]() {
      clearInterval(polling);
      listeners.clear();
    },
  };
}

/** Return the complete lines from `start` on; a last one without its newline is being written, or torn. */
function readWholeLines(
  file: string,
  start: number,
): { readonly text: readonly string[]; readonly end: number } {
  if (!statFile(file)) return { text: [], end: start };
  const fd = openFile(file, 'r');
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(fd).size - start));
    const read = bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, start));
    const end = read.lastIndexOf('\n') + 1;
    return { text: read.toString('utf8', 0, end).split('\n').slice(0, -1), end: start + end };
  } finally {
    closeSync(fd);
  }
}
