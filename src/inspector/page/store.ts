import type { RunEvent } from '../../events.ts';
import type { Layout } from '../../graph/positioned.ts';
import type { FlowState } from '../../state/flow-state.ts';
import { openHistory } from '../../state/history.ts';
import { openReplay } from '../../state/replay.ts';
import type { AgentChart } from '../page-data.ts';
import type { Source } from './source.ts';

/** What a page shows, as plain data: everything that is drawn follows from this. */
export interface View {
  readonly state: FlowState;
  /** What is known of the run by now, whatever moment is looked at. */
  readonly newest: FlowState;
  /** The event that is looked at; -1 before the first. */
  readonly index: number;
  readonly count: number;
  /** The newest event is looked at, and each that comes. */
  readonly isLive: boolean;
  /** The moment that is looked at. */
  readonly now: number;
  readonly hasActiveEngine: boolean;
  readonly isConnected: boolean;
  readonly chart: AgentChart | null;
  readonly flow: Layout | null;
}

/** All that a page knows, and which moment of it is looked at. Whoever changes it asks for a frame. */
export function openStore(source: Source, changed: () => void) {
  const replay = openReplay();
  const history = openHistory();
  let position: number | null = null;
  let hasActiveEngine = false;
  let isConnected = !source.isExported;
  let chart: AgentChart | null = null;
  let flow: Layout | null = null;
  let flowAsked = false;

  const drawFlow = () => {
    if (flowAsked) return;
    flowAsked = true;
    const got = (found: Layout) => {
      flow = found;
      changed();
    };
    source.flow().then(got, () => {
      flowAsked = false;
    });
  };

  source.listen({
    events(events: readonly RunEvent[]) {
      for (const event of events) {
        replay.add(event);
        history.add(event);
        if (event.type === 'run.started') drawFlow();
      }
      changed();
    },
    engineActive(given) {
      hasActiveEngine = given;
      changed();
    },
    connected(given) {
      isConnected = given;
      changed();
    },
  });
  source.chart().then(
    found => {
      chart = found;
      changed();
    },
    () => {},
  );

  return {
    source,
    history,
    events: replay.events,
    shown(): View {
      const last = replay.events.length - 1;
      const index = position ?? last;
      const state = replay.at(index);
      const newest = replay.at(last);
      const isLive = position === null;
      const goesOn = isLive && hasActiveEngine && state.ended === null;
      const now = goesOn ? Date.now() : (replay.events[index]?.at ?? 0);
      return {
        state,
        newest,
        index,
        count: replay.events.length,
        isLive,
        now,
        hasActiveEngine,
        isConnected,
        chart,
        flow,
      };
    },
    /** Looks at the event at `index`; null is the newest, whichever that is. */
    look(index: number | null) {
      const newest = replay.events.length - 1;
      position = index === null || index >= newest ? null : Math.max(0, index);
      changed();
    },
  };
}

export type Store = ReturnType<typeof openStore>;
