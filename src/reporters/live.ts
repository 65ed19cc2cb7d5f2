import type { WriteStream } from 'node:tty';
import { createLogUpdate } from 'log-update';
import type { RunEvent } from '../events.ts';
import { liveFlowState } from '../state/flow-state.ts';
import { frame } from './frame.ts';

export interface LiveProgress {
  /** Take events of before the start, such as those of a resumed run. */
  readonly onPast: (events: readonly RunEvent[]) => void;
  readonly onEvent: (event: RunEvent) => void;
  /** Take one line of an agent's output. */
  readonly onOutput: (agent: string, line: string) => void;
  /** Clear the frame; the summary follows. */
  readonly stop: () => void;
}

/** Keep the frame of a run up to date on a terminal. It does not keep the process alive. */
export function liveProgress(
  stream: Pick<WriteStream, 'write' | 'columns' | 'rows' | 'isTTY' | 'hasColors'>,
  { now = Date.now }: { now?: () => number } = {},
): LiveProgress {
  const flow = liveFlowState();
  let stopped = false;
  const outputs = new Map<string, string>();
  // With a hidden cursor log-update would listen to signals, which the supervisor handles.
  const log = createLogUpdate(sized(stream) as WriteStream, { showCursor: true });

  const lines = () =>
    frame(flow.current(), {
      now: now(),
      columns: columnsOf(stream),
      rows: stream.rows || 24,
      outputs,
      color: stream.hasColors?.() ?? false,
    });
  const draw = () => {
    if (!stopped && flow.current().startedAt !== null) log(lines().join('\n'));
  };
  const redrawing = setInterval(draw, 200);
  redrawing.unref();

  return {
    onPast: events => {
      for (const event of events) flow.apply(event);
    },
    onEvent: flow.apply,
    onOutput: (agent, line) => {
      if (line.trim() !== '') outputs.set(agent, line.slice(-maxLine));
    },
    stop: () => {
      if (stopped) return;
      stopped = true;
      clearInterval(redrawing);
      log.clear();
    },
  };
}

type Size = Pick<WriteStream, 'columns' | 'rows'>;

/** A terminal without a size counts as 80 columns wide. */
const columnsOf = ({ columns }: Size) => columns || 80;

/** Return the stream with a size in which log-update does not clip everything: the last row is empty. */
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

/** Characters of a line that are kept: the last ones, which a progress bar writes last. */
const maxLine = 4096;
