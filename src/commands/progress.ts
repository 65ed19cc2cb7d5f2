import type { RunEvent } from '../events.ts';
import { lineOf, nameWidth } from '../reporters/lines.ts';
import { liveFlowState } from '../state/flow-state.ts';
import { printLine } from './command.ts';

/** Progress of a run, for people. */
export interface Progress {
  /** Take earlier events without printing them. */
  readonly onPast: (events: readonly RunEvent[]) => void;
  readonly onEvent: (event: RunEvent) => void;
  /** Present only if output is shown: each agent's output costs a docker process. */
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

/** Print one line per step. `runId` is put before each line if several runs are shown. */
export function lines(runId: string | null = null): Progress {
  const flow = liveFlowState();
  let width = 0;
  const apply = (event: RunEvent) => {
    flow.apply(event);
    if (event.type === 'run.started') width = nameWidth(flow.current());
  };
  const onEvent = (event: RunEvent) => {
    const line = lineOf(flow.current(), event, width);
    apply(event);
    if (line !== null) printLine(runId === null ? line : `${runId} ${line}`);
  };
  const onPast = (events: readonly RunEvent[]) => {
    for (const event of events) apply(event);
  };
  return { onPast, onEvent, stop: () => {} };
}
