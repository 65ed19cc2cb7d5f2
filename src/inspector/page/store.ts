import type { RunEvent } from '../../events.ts';
import type { Layout } from '../../graph/positioned.ts';
import type { FlowState } from '../../state/flow-state.ts';
import { openHistory } from '../../state/history.ts';
import { openReplay } from '../../state/replay.ts';
import type { AgentChart } from '../page-data.ts';
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
  readonly chart: AgentChart | null;
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
        if (event.type === 'run.started') charts.loadFlow();
      }
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
        chart: charts.chart(),
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

/** Load the agents' chart at once, and the flow once its agents are known. */
function loadCharts(source: Source, changed: () => void) {
  let chart: AgentChart | null = null;
  let flow: Layout | null = null;
  let isFlowRequested = false;
  source.chart().then(
    found => {
      chart = found;
      changed();
    },
    () => {},
  );
  return {
    chart: () => chart,
    flow: () => flow,
    loadFlow() {
      if (isFlowRequested) return;
      isFlowRequested = true;
      const got = (found: Layout) => {
        flow = found;
        changed();
      };
      source.flow().then(got, () => {
        isFlowRequested = false;
      });
    },
  };
}
