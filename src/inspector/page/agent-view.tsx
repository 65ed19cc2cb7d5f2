import { useEffect, useMemo, useRef } from 'preact/hooks';
import { arrowOf } from '../../graph/highlight.ts';
import { agentPath } from '../../graph/path.ts';
import { type AgentState, ofAgent } from '../../state/flow-state.ts';
import { type Step, until } from '../../state/history.ts';
import { roundLabel, roundOf } from '../../state/rounds.ts';
import { formatDuration } from '../../text/duration.ts';
import type { AgentChart } from '../page-data.ts';
import { Chart } from './chart.tsx';
import { Chip } from './chip.tsx';
import { Details } from './details.tsx';
import { hashOf, type Route } from './route.ts';
import type { Store, View } from './store.ts';
import { TerminalView } from './terminal.tsx';
import { lifetime } from './words.ts';

interface AgentViewProps {
  readonly store: Store;
  readonly shown: View;
  readonly route: Extract<Route, { view: 'agent' }>;
}

/** An agent: its chart and path, its details, and its terminal. */
export function AgentView({ store, shown, route }: AgentViewProps) {
  const agent = ofAgent(shown.state, route.agent);
  if (!agent)
    return (
      <main>
        <p class="muted">{`The agent ${route.agent} does not exist at this moment of the run.`}</p>
      </main>
    );
  const { name } = agent;
  const past = store.history.of(name);
  const steps = until(past.steps, shown.index);
  const ms = lifetime(agent, shown.now);
  const tab = (word: 'chart' | 'terminal', label: string) => (
    <a
      href={hashOf({ view: 'agent', agent: name, tab: word })}
      aria-current={route.tab === word ? 'page' : undefined}
    >
      {label}
    </a>
  );
  return (
    <main>
      <div class="agent-head">
        <h2>{name}</h2>
        <Chip agent={agent} />
        <span class="muted">{placeLabel(agent, ms)}</span>
        {agent.approval === undefined && (
          <nav aria-label={`Views of ${name}`}>
            {tab('chart', 'Chart')}
            {tab('terminal', 'Terminal')}
          </nav>
        )}
      </div>
      {route.tab === 'terminal' && agent.approval === undefined ? (
        <TerminalView
          key={`${name} ${route.check ?? ''}`}
          store={store}
          agent={agent}
          check={route.check ?? null}
        />
      ) : (
        <div class="two">
          <ChartPane
            chart={shown.charts?.[agent.approval === undefined ? 'agent' : 'approval'] ?? null}
            agent={agent}
            steps={steps}
          />
          <Details store={store} shown={shown} agent={agent} steps={steps} />
        </div>
      )}
    </main>
  );
}

/** Return the round, the attempt and the time of an agent: `round 2 of 5, attempt 2 · 3.0s`. */
function placeLabel(agent: AgentState, ms: number | null): string {
  const round = roundOf(agent, agent.attempt);
  const place = [round === null ? '' : roundLabel(round), `attempt ${agent.attempt}`].filter(Boolean);
  return [
    ...(agent.approval === undefined ? [place.join(', ')] : []),
    ...(ms === null ? [] : [formatDuration(ms)]),
  ].join(' · ');
}

interface ChartPaneProps {
  readonly chart: AgentChart | null;
  readonly agent: AgentState;
  readonly steps: readonly Step[];
}

function ChartPane({ chart, agent, steps }: ChartPaneProps) {
  const way = useMemo(
    () => (chart ? pathWithArrows(chart, agent.name, steps) : null),
    [chart, agent.name, steps],
  );
  const pane = useRef<HTMLElement>(null);
  const current = way?.path.current ?? null;
  useEffect(() => {
    const box =
      current === null ? null : pane.current?.querySelector(`[data-state="${CSS.escape(current)}"]`);
    if (pane.current && box) bringIntoView(pane.current, box);
  }, [current]);
  if (!chart || !way) return <p class="muted">Drawing the chart …</p>;
  const { path, taken, last } = way;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is scrolled by keys too
    <section ref={pane} class="scroll chart-pane" tabIndex={0} aria-label="Statechart">
      <Chart
        drawn={chart.drawn}
        label={`The statechart of ${agent.name}, ${path.current === null ? 'not started' : `in ${path.current}`}`}
        mark={id => (path.current === id ? 'current' : path.visited[id] ? 'visited' : null)}
        taken={taken}
        last={last}
      />
    </section>
  );
}

/** Return the path so far, and the arrows that show it. */
function pathWithArrows({ chart, drawn }: AgentChart, agent: string, steps: readonly Step[]) {
  const pathOf = (some: readonly Step[]) =>
    agentPath(
      chart,
      { runId: '', agent },
      some.map(({ event }) => event),
    );
  const path = pathOf(steps);
  const arrows = (transitions: (typeof path)['transitions']) =>
    transitions.flatMap(taken => arrowOf(drawn, taken) ?? []);
  const [last = null] = arrows(pathOf(steps.slice(-2)).transitions);
  return { path, taken: new Set(arrows(path.transitions)), last };
}

/** Scroll the pane, not the page, and only if needed. */
function bringIntoView(pane: Element, box: Element): void {
  const [around, inner] = [pane.getBoundingClientRect(), box.getBoundingClientRect()];
  const isInside =
    inner.top >= around.top &&
    inner.bottom <= around.bottom &&
    inner.left >= around.left &&
    inner.right <= around.right;
  if (isInside) return;
  pane.scrollBy({
    top: inner.top + inner.height / 2 - around.top - around.height / 2,
    left: inner.left + inner.width / 2 - around.left - around.width / 2,
  });
}
