import type { RunEvent } from '../events.ts';
import { type FlowState, initialFlowState, reduce } from './flow-state.ts';

export interface Replay {
  add(event: RunEvent): void;
  readonly events: readonly RunEvent[];
  /** What was known of the run after the event at `index`; -1 is before the first. */
  at(index: number): FlowState;
}

/** Goes back and forth in a run. It remembers where it stood every now and then, and reduces on from there. */
export function openReplay(every = 64): Replay {
  const events: RunEvent[] = [];
  /** The state before each event whose index `every` divides. */
  const marks: FlowState[] = [initialFlowState];
  let last = { index: -1, state: initialFlowState };
  /** The one that was asked for last, mostly asked for again or for its next. */
  let asked = last;

  const reduceFrom = (from: typeof last, index: number) =>
    events.slice(from.index + 1, index + 1).reduce(reduce, from.state);

  return {
    events,
    add(event) {
      events.push(event);
      last = { index: last.index + 1, state: reduce(last.state, event) };
      if (events.length % every === 0) marks.push(last.state);
    },
    at(index) {
      if (index >= last.index) return last.state;
      const mark = Math.floor((index + 1) / every);
      const from = { index: mark * every - 1, state: marks[mark]! };
      const nearest = asked.index <= index && asked.index > from.index ? asked : from;
      asked = { index, state: reduceFrom(nearest, index) };
      return asked.state;
    },
  };
}
