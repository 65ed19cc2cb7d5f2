import type { RunEvent } from '../events.ts';
import type { EventOf } from './agent-state.ts';

/** An event, and which one of the run it is. */
interface Indexed<Event> {
  readonly index: number;
  readonly event: Event;
}

export type Step = Indexed<EventOf<'agent.state'>>;

export interface Call extends Indexed<EventOf<'docker.call'>> {
  /** null while docker has not answered. */
  result: Indexed<EventOf<'docker.result'>> | null;
}

/** What was, of one agent or of the engine itself: only ever longer. */
export interface AgentTimeline {
  readonly steps: readonly Step[];
  readonly calls: readonly Call[];
  /** Another number for another past. */
  readonly version: number;
}

export interface History {
  add(event: RunEvent): void;
  of(agent: string): AgentTimeline;
  /** Calls for no agent. */
  readonly engine: AgentTimeline;
}

/** Keeps transitions and docker calls by agent, each with its place among all events: what a time slider goes along. */
export function openHistory(): History {
  const pasts = new Map<string, ReturnType<typeof emptyTimeline>>();
  const engine = emptyTimeline();
  const owners = new Map<number, { readonly past: ReturnType<typeof emptyTimeline>; readonly call: Call }>();
  let index = 0;
  const of = (agent: string) => {
    const past = pasts.get(agent) ?? emptyTimeline();
    pasts.set(agent, past);
    return past;
  };

  return {
    of,
    engine,
    add(event) {
      const here = index++;
      switch (event.type) {
        case 'agent.state': {
          const past = of(event.agent);
          past.steps.push({ index: here, event });
          past.version++;
          return;
        }
        case 'docker.call': {
          const past = event.agent === null ? engine : of(event.agent);
          const call: Call = { index: here, event, result: null };
          past.calls.push(call);
          past.version++;
          owners.set(event.call, { past, call });
          return;
        }
        case 'docker.result': {
          const owner = owners.get(event.call);
          if (!owner) return;
          owner.call.result = { index: here, event };
          owner.past.version++;
        }
      }
    },
  };
}

const emptyTimeline = () => ({ steps: [] as Step[], calls: [] as Call[], version: 0 });

/** Those of a list in order that have happened by the event at `index`. */
export function until<Entry extends { readonly index: number }>(
  entries: readonly Entry[],
  index: number,
): readonly Entry[] {
  let from = 0;
  for (let to = entries.length; from < to; ) {
    const middle = (from + to) >> 1;
    if (entries[middle]!.index <= index) from = middle + 1;
    else to = middle;
  }
  return from === entries.length ? entries : entries.slice(0, from);
}
