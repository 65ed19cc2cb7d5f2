import type { WriteStream } from 'node:tty';
import { createLogUpdate } from 'log-update';
import type { RunEvent } from '../events.ts';
import { type FlowState, initialFlowState, reduce } from '../state/flow-state.ts';
import { frame } from './frame.ts';

export interface LiveProgress {
  /** Takes what happened before. */
  readonly onPast: (events: readonly RunEvent[]) => void;
  readonly onEvent: (event: RunEvent) => void;
  /** Takes one line of an agent's output. */
  readonly onOutput: (agent: string, line: string) => void;
  /** Takes the frame away; what is left to say is the summary's. */
  readonly stop: () => void;
}

/** Keeps a run's frame up to date on a terminal. It never keeps the process alive. */
export function liveProgress(
  stream: Pick<WriteStream, 'write' | 'columns' | 'rows' | 'isTTY' | 'hasColors'>,
  { now = Date.now }: { now?: () => number } = {},
): LiveProgress {
  let state: FlowState = initialFlowState;
  let stopped = false;
  const outputs = new Map<string, string>();
  // Hiding the cursor would make log-update listen to signals, which are the engine's business.
  const log = createLogUpdate(sized(stream) as WriteStream, { showCursor: true });

  const lines = () =>
    frame(state, {
      now: now(),
      columns: columnsOf(stream),
      rows: stream.rows || 24,
      outputs,
      color: stream.hasColors?.() ?? false,
    });
  const draw = () => {
    if (!stopped && state.startedAt !== null) log(lines().join('\n'));
  };
  const ticking = setInterval(draw, 200);
  ticking.unref();

  return {
    onPast: events => {
      state = events.reduce(reduce, state);
    },
    onEvent: event => {
      state = reduce(state, event);
    },
    onOutput: (agent, line) => {
      if (line.trim() !== '') outputs.set(agent, line.slice(-longestLine));
    },
    stop: () => {
      if (stopped) return;
      stopped = true;
      clearInterval(ticking);
      log.clear();
    },
  };
}

type Size = Pick<WriteStream, 'columns' | 'rows'>;

/** One that is resized to nothing is taken for a usual one. */
const columnsOf = ({ columns }: Size) => columns || 80;

/** The stream, with a size in which log-update does not clip everything away: the last row is empty. */
const sized = (stream: Pick<WriteStream, 'write' | 'isTTY'> & Size) => ({
  isTTY: stream.isTTY,
  write: (text: string) => stream.write(text),
  get columns() {
    return columnsOf(stream);
  },
  get rows() {
    return Math.max(2, stream.rows || 24);
  },
});

/** Nobody sees more of a line; its end is where a progress bar writes last. */
const longestLine = 4096;
