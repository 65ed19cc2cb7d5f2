import type { RunEvent } from '../events.ts';
import type { EventOf } from './agent-state.ts';

/** An event and its index in the run. */
interface Indexed<Event> {
  readonly index: number;
  readonly event: Event;
}

export type Step = Indexed<EventOf<'agent.state'>>;

export interface Call extends Indexed<EventOf<'docker.call'>> {
  /** null until docker has exited. */
  result: Indexed<EventOf<'docker.result'>> | null;
}

/** The transitions and docker calls of an agent, or of the engine itself. Append-only. */
export interface AgentTimeline {
  readonly steps: readonly Step[];
  readonly calls: readonly Call[];
  /** When a decision was requested, in milliseconds since the epoch; null before that, and for other agents. */
  readonly requestedAt: number | null;
  /** Incremented with each change. */
  readonly version: number;
}

export interface History {
  add(event: RunEvent): void;
  of(agent: string): AgentTimeline;
  /** Docker calls for no agent. */
  readonly engine: AgentTimeline;
}

/** Keep transitions and docker calls by agent, each with its index among all events. */
export function openHistory(): History {
  const timelines = new Map<string, ReturnType<typeof emptyTimeline>>();
  const engine = emptyTimeline();
  const owners = new Map<
    number,
    { readonly timeline: ReturnType<typeof emptyTimeline>; readonly call: Call }
  >();
  let index = 0;
  const of = (agent: string) => {
    const timeline = timelines.get(agent) ?? emptyTimeline();
    timelines.set(agent, timeline);
    return timeline;
  };

  return {
    of,
    engine,
    add(event) {
      const here = index++;
      switch (event.type) {
        case 'agent.state': {
          const timeline = of(event.agent);
          timeline.steps.push({ index: here, event });
          timeline.version++;
          return;
        }
        case 'approval.requested': {
          const timeline = of(event.agent);
          timeline.requestedAt ??= event.at;
          timeline.version++;
          return;
        }
        case 'attempt.ended':
        case 'check.ended':
        case 'approval.decided':
          // They change how its time is shown.
          of(event.agent).version++;
          return;
        case 'docker.call': {
          const timeline = event.agent === null ? engine : of(event.agent);
          const call: Call = { index: here, event, result: null };
          timeline.calls.push(call);
          timeline.version++;
          owners.set(event.call, { timeline, call });
          return;
        }
        case 'docker.result': {
          const owner = owners.get(event.call);
          if (!owner) return;
          owner.call.result = { index: here, event };
          owner.timeline.version++;
        }
      }
    },
  };
}

const emptyTimeline = () => ({
  steps: [] as Step[],
  calls: [] as Call[],
  requestedAt: null as number | null,
  version: 0,
});

/** Return the entries of a sorted list up to the event at `index`. */
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
