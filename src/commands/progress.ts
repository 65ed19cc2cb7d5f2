import type { FlowEvent } from '../events.ts';
import { type FlowState, initialFlowState, reduce } from '../views/flow-state.ts';
import { lineOf } from '../views/lines.ts';
import { liveProgress } from '../views/live.ts';
import { say } from './command.ts';

/** What a person sees while a run goes on. */
export interface Progress {
  /** Takes what happened before, and does not tell it again. */
  readonly onPast: (events: readonly FlowEvent[]) => void;
  readonly onEvent: (event: FlowEvent) => void;
  /** Only where output is shown: being told of it costs a docker process an agent. */
  readonly onOutput?: (agent: string, line: string) => void;
  readonly stop: () => void;
}

/** A frame that is kept up to date on a terminal, a line for each step elsewhere. */
export const progress = (): Progress => (process.stderr.isTTY ? liveProgress(process.stderr) : lines());

/** `runId`: names the run on each line, where several are shown. */
export function lines(runId: string | null = null): Progress {
  let state: FlowState = initialFlowState;
  const onEvent = (event: FlowEvent) => {
    const line = lineOf(state, event);
    state = reduce(state, event);
    if (line !== null) say(runId === null ? line : `${runId} ${line}`);
  };
  const onPast = (events: readonly FlowEvent[]) => {
    state = events.reduce(reduce, state);
  };
  return { onPast, onEvent, stop: () => {} };
}
