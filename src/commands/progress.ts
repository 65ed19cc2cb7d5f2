import type { RunEvent } from '../events.ts';
import { lineOf } from '../reporters/lines.ts';
import { liveProgress } from '../reporters/live.ts';
import { type FlowState, initialFlowState, reduce } from '../state/flow-state.ts';
import { say } from './command.ts';

/** What a person sees while a run goes on. */
export interface Progress {
  /** Takes what happened before, and does not tell it again. */
  readonly onPast: (events: readonly RunEvent[]) => void;
  readonly onEvent: (event: RunEvent) => void;
  /** Only where output is shown: being told of it costs a docker process an agent. */
  readonly onOutput?: (agent: string, line: string) => void;
  readonly stop: () => void;
}

/** A frame that is kept up to date on a terminal, a line for each step elsewhere. */
export const progress = (): Progress =>
  canRedraw(process.stderr, process.env) ? liveProgress(process.stderr) : lines();

/** Less than this shows nothing of a frame: a name and a state, on some lines. */
const smallest = { columns: 20, rows: 4 };

/**
 * Whether lines can be written over there. A terminal without a size, such as one of `expect` or a serial console, may
 * be of any; one whose TERM is `dumb` or unset knows no cursor; what a CI runner shows of one is its log.
 */
export function canRedraw(
  {
    isTTY,
    columns = 0,
    rows = 0,
  }: { readonly isTTY: boolean; readonly columns?: number; readonly rows?: number },
  { TERM, CI }: NodeJS.ProcessEnv,
): boolean {
  const hasCursor = isTTY && !!TERM && TERM !== 'dumb';
  const isLog = !!CI && CI !== 'false' && CI !== '0';
  return hasCursor && !isLog && columns >= smallest.columns && rows >= smallest.rows;
}

/** `runId`: names the run on each line, where several are shown. */
export function lines(runId: string | null = null): Progress {
  let state: FlowState = initialFlowState;
  const onEvent = (event: RunEvent) => {
    const line = lineOf(state, event);
    state = reduce(state, event);
    if (line !== null) say(runId === null ? line : `${runId} ${line}`);
  };
  const onPast = (events: readonly RunEvent[]) => {
    state = events.reduce(reduce, state);
  };
  return { onPast, onEvent, stop: () => {} };
}
