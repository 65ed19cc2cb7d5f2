import type { RunEvent } from '../events.ts';
import { type FlowState, initialFlowState, reduce } from './flow-state.ts';

export interface Replay {
  add(event: RunEvent): void;
  readonly events: readonly RunEvent[];
  /** Return the state of the run after the event at `index`; -1 for before the first. */
  at(index: number): FlowState;
}

/** Return the state of a run at any event. A checkpoint is kept for every `every` events, and reduced from there. */
export function openReplay(every = 64): Replay {
  const events: RunEvent[] = [];
  /** The state before each event whose index is a multiple of `every`. */
  const checkpoints: FlowState[] = [initialFlowState];
  let last = { index: -1, state: initialFlowState };
  /** The last state that was returned: the next request is mostly for the same or the next one. */
  let requested = last;

  const reduceFrom = (from: typeof last, index: number) =>
    events.slice(from.index + 1, index + 1).reduce(reduce, from.state);

  return {
    events,
    add(event) {
      events.push(event);
      last = { index: last.index + 1, state: reduce(last.state, event) };
      if (events.length % every === 0) checkpoints.push(last.state);
    },
    at(index) {
      if (index >= last.index) return last.state;
      const checkpoint = Math.floor((index + 1) / every);
      const from = { index: checkpoint * every - 1, state: checkpoints[checkpoint]! };
      const nearest = requested.index <= index && requested.index > from.index ? requested : from;
      requested = { index, state: reduceFrom(nearest, index) };
      return requested.state;
    },
  };
}
