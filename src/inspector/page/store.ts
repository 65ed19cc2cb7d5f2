import type { RunEvent } from '../../events.ts';
import type { Layout } from '../../graph/positioned.ts';
import type { FlowState } from '../../state/flow-state.ts';
import { openHistory } from '../../state/history.ts';
import { openReplay } from '../../state/replay.ts';
import type { AgentCharts } from '../page-data.ts';
import type { Source } from './source.ts';

/** The data that the page renders. */
export interface View {
  readonly state: FlowState;
  /** The newest state of the run, whichever moment is shown. */
  readonly newest: FlowState;
  /** Index of the event that is shown; -1 before the first. */
  readonly index: number;
  readonly count: number;
  /** The newest event is shown, and each new one. */
  readonly isLive: boolean;
  /** The moment that is shown, in milliseconds since the epoch. */
  readonly now: number;
  readonly hasSupervisor: boolean;
  readonly isConnected: boolean;
  readonly charts: AgentCharts | null;
  readonly flow: Layout | null;
}

/** Hold the events and charts of a run, and the moment that is shown. `changed` is called after each change. */
export function openStore(source: Source, changed: () => void) {
  const replay = openReplay();
  const history = openHistory();
  const charts = loadCharts(source, changed);
  let position: number | null = null;
  let hasSupervisor = false;
  let isConnected = !source.isExported;

  source.listen({
    events(events: readonly RunEvent[]) {
      for (const event of events) {
        replay.add(event);
        history.add(event);
      }
      charts.ensureFlow(Object.keys(replay.at(replay.events.length - 1).agents).length);
      changed();
    },
    supervised(given) {
      hasSupervisor = given;
      changed();
    },
    connected(given) {
      isConnected = given;
      changed();
    },
  });
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
      const isRunning = isLive && hasSupervisor && state.ended === null;
      const now = isRunning ? Date.now() : (replay.events[index]?.at ?? 0);
      return {
        state,
        newest,
        index,
        count: replay.events.length,
        isLive,
        now,
        hasSupervisor,
        isConnected,
        charts: charts.charts(),
        flow: charts.flow(),
      };
    },
    /** Show the event at `index`; null for the newest. */
    look(index: number | null) {
      const newest = replay.events.length - 1;
      position = index === null || index >= newest ? null : Math.max(0, index);
      changed();
    },
  };
}

export type Store = ReturnType<typeof openStore>;

/** Load the agents' charts at once, and the flow once its agents are known; again when there are more of them. */
function loadCharts(source: Source, changed: () => void) {
  let charts: AgentCharts | null = null;
  let flow: Layout | null = null;
  /** Number of agents that the flow is drawn with, or will be. */
  let drawn = 0;
  let wanted = 0;
  let isLoading = false;
  source.charts().then(
    found => {
      charts = found;
      changed();
    },
    () => {},
  );
  const load = async () => {
    isLoading = true;
    while (drawn < wanted) {
      const loading = wanted;
      try {
        flow = await source.flow();
        drawn = loading;
        changed();
      } catch {
        // The next event requests it again.
        break;
      }
    }
    isLoading = false;
  };
  return {
    charts: () => charts,
    flow: () => flow,
    /** Load the flow unless it is drawn with this many agents, or is being loaded. */
    ensureFlow(agents: number) {
      wanted = Math.max(wanted, agents);
      if (!isLoading) void load();
    },
  };
}
