import type { RunEvent } from '../events.ts';
import { type FlowState, initialFlowState, liveFlowState, stateAfter } from './flow-state.ts';

export interface Replay {
  add(event: RunEvent): void;
  readonly events: readonly RunEvent[];
  /** Return the state of the run after the event at `index`; -1 for before the first. */
  at(index: number): FlowState;
}

interface Moment {
  readonly index: number;
  readonly state: FlowState;
}

/**
 * Return the state of a run at any event. A checkpoint is kept for every `every` events, or for as many as the run has
 * agents: all checkpoints together have no more entries than there are events.
 */
export function openReplay(every = 64): Replay {
  const events: RunEvent[] = [];
  const newest = liveFlowState();
  let last: Moment = { index: -1, state: initialFlowState };
  const checkpoints: Moment[] = [last];
  let agents = 0;
  /** The last state that was returned: the next request is mostly for the same or the next one. */
  let requested = last;

  const reduceFrom = ({ index: from, state }: Moment, index: number): Moment => ({
    index,
    state: from === index ? state : stateAfter(events.slice(from + 1, index + 1), state),
  });
  const copyNewest = () => {
    if (last.index < events.length - 1)
      last = { index: events.length - 1, state: stateAfter([], newest.current()) };
    return last;
  };

  return {
    events,
    add(event) {
      events.push(event);
      newest.apply(event);
      if (event.type === 'run.started') agents = event.agents.length;
      if (events.length - 1 - checkpoints.at(-1)!.index >= Math.max(every, agents))
        checkpoints.push(copyNewest());
    },
    at(index) {
      if (index >= events.length - 1) return copyNewest().state;
      const from = checkpoints.findLast(checkpoint => checkpoint.index <= index)!;
      const nearest = requested.index <= index && requested.index > from.index ? requested : from;
      requested = reduceFrom(nearest, index);
      return requested.state;
    },
  };
}
