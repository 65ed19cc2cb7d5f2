import { closeSync, fstatSync, readSync } from 'node:fs';
import type { RunEvent } from '../events.ts';
import { type FlowState, initialFlowState, reduce } from '../state/flow-state.ts';
import { parseLine } from '../store/journal.ts';
import { lockHolder } from '../store/lock.ts';
import type { RunFolder } from '../store/state-directory.ts';
import { openFile, statFile } from '../store/state-files.ts';

/** The events of a run, out of its journal, whoever writes that: an engine that lives, or one that is long gone. */
export interface RunFeed extends Disposable {
  readonly folder: RunFolder;
  readonly events: readonly RunEvent[];
  /** What they come to. */
  readonly state: FlowState;
  /** The events as text, one by one. */
  readonly lines: readonly string[];
  /** An engine lives that drives it. */
  readonly hasActiveEngine: boolean;
  /** Looks at once, and not only in a moment. */
  poll(): void;
  /** Told whenever there is more, or whether it is driven has changed. Returns what ends it. */
  subscribe(listener: () => void): () => void;
}

const pollIntervalMs = 100;

export function openRunFeed(folder: RunFolder): RunFeed {
  const events: RunEvent[] = [];
  const lines: string[] = [];
  const listeners = new Set<() => void>();
  const isLocked = () => lockHolder(folder.lock) !== null;
  let hasActiveEngine = isLocked();
  let state: FlowState = initialFlowState;
  let offset = 0;
  let polls = 0;

  const take = () => {
    const { text, end } = readWholeLines(folder.journal, offset);
    offset = end;
    for (const line of text) {
      const event = parseLine(line);
      if (event === null) continue;
      events.push(event);
      state = reduce(state, event);
      lines.push(line);
    }
    return text.length > 0;
  };
  const poll = () => {
    const more = take();
    // Asking whether a process lives costs more than a look at a file.
    const before = hasActiveEngine;
    if (more || polls++ % 10 === 0) hasActiveEngine = isLocked();
    if (more || hasActiveEngine !== before) for (const listener of listeners) listener();
  };
  take();
  const polling = setInterval(poll, pollIntervalMs);
  polling.unref();

  return {
    folder,
    events,
    lines,
    get state() {
      return state;
    },
    get hasActiveEngine() {
      return hasActiveEngine;
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

/** Those that are whole, from `start` on; a last one without its newline is still being written, or torn. */
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
