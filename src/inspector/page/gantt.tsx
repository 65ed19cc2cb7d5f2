import { tagsOf } from '../../../machines/state-tags.ts';
import { colours } from '../../graph/colours.ts';
import type { AgentState } from '../../state/flow-state.ts';
import type { AgentTimeline, Step } from '../../state/history.ts';
import { stateLabel } from '../../state/state-label.ts';
import { memo } from './memo.ts';
import { hashOf } from './route.ts';
import { type Segment, segmentsOf } from './segments.ts';
import type { Store, View } from './store.ts';
import { agentLabel, markOf, sinceStart } from './words.ts';

const rowHeight = 30;

/**
 * The states of every agent over time, with its rounds and attempts above, docker commands as strokes below and lines
 * between attempts. The unit of the
 * drawing is a second. During a run its width grows in steps, so that a row is rendered only when its agent changes.
 */
export function Gantt({ store, shown }: { readonly store: Store; readonly shown: View }) {
  const { state, now, isLive, newest } = shown;
  const start = state.startedAt ?? now;
  const last = Math.max(now, store.events.at(-1)?.at ?? now);
  const lasted = Math.max(1, (last - start) / 1000);
  const seconds = newest.ended ? lasted : growth ** Math.ceil(Math.log(lasted) / Math.log(growth));
  // Open-ended bars end here, rounded so that it does not change with every frame.
  const horizon = newest.endedAt ?? Math.ceil(last / 250) * 250;
  const agents = Object.values(state.agents);
  const height = (agents.length + 1) * rowHeight;
  const playhead = (now - start) / 1000;
  return (
    <section class="gantt" aria-label="Timeline">
      <h2>Timeline</h2>
      <Legend />
      <div class="grid">
        <div class="names">
          {agents.map(agent => (
            <Name key={agent.name} agent={agent} />
          ))}
          <span class="of-engine">engine</span>
        </div>
        <div class="bars">
          <svg
            role="img"
            aria-label={`The states of ${agents.length} agents over ${Math.round(seconds)} s`}
            viewBox={`0 0 ${seconds} ${height}`}
            preserveAspectRatio="none"
            style={{ height: `${height}px` }}
          >
            {agents.map(({ name }, row) => {
              const past = store.history.of(name);
              const end = past.steps.length === 0 ? start : (newest.agents[name]?.endedAt ?? horizon);
              return (
                <Row
                  key={name}
                  agent={newest.agents[name] ?? null}
                  past={past}
                  version={past.version}
                  end={end}
                  row={row}
                  start={start}
                />
              );
            })}
            <Row
              agent={null}
              past={store.history.engine}
              version={store.history.engine.version}
              end={start}
              row={agents.length}
              start={start}
            />
            {!isLive && (
              <>
                <rect class="veil" x={playhead} y={0} width={seconds} height={height} />
                <path class="playhead" d={`M${playhead},0V${height}`} />
              </>
            )}
          </svg>
          <ol class="axis" aria-hidden="true">
            {[0, 0.25, 0.5, 0.75, 1].map(part => (
              <li key={part}>{sinceStart(seconds * part * 1000)}</li>
            ))}
          </ol>
        </div>
      </div>
    </section>
  );
}

const growth = 1.2;

const Name = memo(({ agent }: { readonly agent: AgentState }) => (
  <a href={hashOf({ view: 'agent', agent: agent.name, tab: 'chart' })}>
    <i class="dot" style={{ background: colours[markOf(agent)].line }} />
    <span class="name">{agent.name}</span>
    <span class="hidden">{`: ${agentLabel(agent)}`}</span>
  </a>
));

interface RowProps {
  /** The newest state of the agent; null for the engine. */
  readonly agent: AgentState | null;
  readonly past: AgentTimeline;
  /** Changes when the timeline grows. */
  readonly version: number;
  readonly end: number;
  readonly row: number;
  readonly start: number;
}

const Row = memo(({ agent, past, end, row, start }: RowProps) => {
  const { calls } = past;
  // An approval has one segment, from its request to its decision.
  const steps = agent?.approval === undefined ? past.steps : [];
  const segments = agent === null ? null : segmentsOf(agent, past, end);
  const at = (ms: number) => Math.round(Math.max(0, ms - start)) / 1000;
  const top = row * rowHeight;
  const bars = steps.map((step, index) => {
    const from = at(step.event.at);
    const to = at(steps[index + 1]?.event.at ?? end);
    return { step, from, to };
  });
  const strokes = (isBad: boolean) =>
    calls
      .filter(({ result }) => (result !== null && !result.event.ok) === isBad)
      .map(({ event }) => `M${at(event.at)},${top + 23}v6`)
      .join('');
  const attempts = steps
    .filter(({ event }, index) => index > 0 && event.attempt > steps[index - 1]!.event.attempt)
    .map(({ event }) => `M${at(event.at)},${top + 1}v${rowHeight - 2}`)
    .join('');
  return (
    <g>
      {segments && (
        <>
          <Band segments={segments.rounds} kind="round" at={at} y={top + 1} height={3} />
          <Band segments={segments.attempts} kind="attempt-band" at={at} y={top + 5} height={3} />
          <Band segments={segments.approvals} kind="approval" at={at} y={top + 9} height={13} />
        </>
      )}
      {bars.map(({ step, from, to }) => (
        <rect
          key={step.index}
          x={from}
          y={top + 9}
          width={Math.max(0, to - from)}
          height={13}
          fill={phaseOf(step).colour}
        >
          <title>{stepTitle(step, from)}</title>
        </rect>
      ))}
      {segments && <Band segments={segments.checks} kind="check" at={at} y={top + 9} height={13} />}
      <path class="calls" d={strokes(false)} />
      <path class="calls bad" d={strokes(true)} />
      <path class="attempt" d={attempts} />
    </g>
  );
});

/** Colours before the end of a segment. */
const runningColour = {
  round: '#adb5bd',
  'attempt-band': '#adb5bd',
  check: '#b197fc',
  approval: colours.waiting.line,
} as const;

interface BandProps {
  readonly segments: readonly Segment[];
  readonly kind: keyof typeof runningColour;
  at(ms: number): number;
  readonly y: number;
  readonly height: number;
}

/** Segments of one kind, in the colours of their results. */
const Band = ({ segments, kind, at, y, height }: BandProps) => (
  <>
    {segments.map(({ from, to, title, mark }) => (
      <rect
        key={from}
        class={`segment ${kind}`}
        data-mark={mark}
        x={at(from)}
        y={y}
        width={Math.max(0, at(to) - at(from))}
        height={height}
        fill={mark === 'running' ? runningColour[kind] : colours[mark].line}
      >
        <title>{title}</title>
      </rect>
    ))}
  </>
);

const stepTitle = ({ event: { state, attempt } }: Step, from: number) =>
  `${stateLabel(state) ?? state}, attempt ${attempt}, from ${sinceStart(from * 1000)}`;

/** Group states into few colours. */
const phases = {
  up: { word: 'starting', colour: '#74c0fc' },
  running: { word: 'running', colour: '#fcc419' },
  checks: { word: 'checking its work', colour: '#b197fc' },
  waits: { word: 'waiting to retry', colour: '#ff922b' },
  down: { word: 'stops, collects, removes', colour: '#adb5bd' },
} as const;

function phaseOf({ event: { state } }: Step): (typeof phases)[keyof typeof phases] {
  const tags = tagsOf(state);
  if (tags.includes('startup')) return phases.up;
  if (tags.includes('running')) return phases.running;
  if (tags.includes('checking')) return phases.checks;
  return tags.includes('waiting') ? phases.waits : phases.down;
}

const Legend = () => (
  <p class="legend">
    {Object.values(phases).map(({ word, colour }) => (
      <span key={word}>
        <i class="swatch" style={{ background: colour }} />
        {word}
      </span>
    ))}
    <span>
      <i class="swatch band" />
      rounds, attempts and checks, by result
    </span>
    <span>
      <i class="swatch stroke" />
      docker command
    </span>
    <span>
      <i class="swatch bad" />
      one that failed
    </span>
    <span>
      <i class="swatch next" />
      next attempt
    </span>
  </p>
);
