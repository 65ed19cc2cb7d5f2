import type { RunEvent } from '../events.ts';
import { lineOf } from '../reporters/lines.ts';
import { type FlowState, initialFlowState, reduce } from '../state/flow-state.ts';
import { printLine } from './command.ts';

/** Progress of a run, for people. */
export interface Progress {
  /** Take earlier events without printing them. */
  readonly onPast: (events: readonly RunEvent[]) => void;
  readonly onEvent: (event: RunEvent) => void;
  /** Present only where output is shown: each agent's output costs a docker process. */
  readonly onOutput?: (agent: string, line: string) => void;
  readonly stop: () => void;
}

/** Return a live frame on a terminal, one line per step elsewhere. */
export async function progress(): Promise<Progress> {
  if (!canRedraw(process.stderr, process.env)) return lines();
  const { liveProgress } = await import('../reporters/live.ts');
  return liveProgress(process.stderr);
}

/** Room for a name and a state on a few lines. */
const minimumSize = { columns: 20, rows: 4 };

/**
 * Return whether lines can be redrawn. False for a terminal without a size, such as one of `expect` or a serial console,
 * for one without cursor movement (TERM is `dumb` or unset), and on a CI runner, which shows a log.
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
  return hasCursor && !isLog && columns >= minimumSize.columns && rows >= minimumSize.rows;
}

/** Print one line per step. `runId` is put before each line where several runs are shown. */
export function lines(runId: string | null = null): Progress {
  let state: FlowState = initialFlowState;
  const onEvent = (event: RunEvent) => {
    const line = lineOf(state, event);
    state = reduce(state, event);
    if (line !== null) printLine(runId === null ? line : `${runId} ${line}`);
  };
  const onPast = (events: readonly RunEvent[]) => {
    state = events.reduce(reduce, state);
  };
  return { onPast, onEvent, stop: () => {} };
}
