import { styleText } from 'node:util';
import { tagsOf } from '../../machines/state-tags.ts';
import { approvalQuestion } from '../state/approval-label.ts';
import { dependencyLabels } from '../state/control-label.ts';
import type { AgentState, FlowState } from '../state/flow-state.ts';
import { attemptLabel } from '../state/rounds.ts';
import { engineTitle, stateLabel, statusLabel } from '../state/state-label.ts';
import { formatDuration } from '../text/duration.ts';
import { oneLine } from '../text/text.ts';
import { cutTo, widthOf } from '../text/width.ts';
import { agentsInView } from './agents-in-view.ts';

export interface RenderOptions {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly columns: number;
  /** Rows of the terminal. The cursor takes the last one. */
  readonly rows: number;
  /** The last line of each agent's output, unprocessed. */
  readonly outputs: ReadonlyMap<string, string>;
  readonly color: boolean;
}

/** The width of most state labels, so that the columns after them do not move. */
const stateWidth = 'waiting for tmux'.length;

type Style = Parameters<typeof styleText>[0];
type Piece = readonly [text: string, style?: Style];

/**
 * Render a run for a terminal: one line per agent, the last warnings, and a status line. No line is wider than `columns`,
 * and there are fewer than `rows`: agents without room are counted by state.
 */
export function frame(state: FlowState, options: RenderOptions): string[] {
  const agents = Object.values(state.agents);
  const names = agents.reduce((width, { name }) => Math.max(width, name.length), 0);
  const words = agents.reduce((width, agent) => Math.max(width, labelOf(agent).length), stateWidth);
  // The status line takes one row, and the cursor another.
  const room = Math.max(0, options.rows - 2);
  const warnings = lastWarnings(state, Math.max(Math.floor((room - 1) / 3), room - agents.length));
  const { shown, folded } = agentsInView(agents, room - warnings.length);
  return [
    ...shown.map(agent => agentLine(agent, { names, words, runId: state.runId }, options)),
    ...(folded.length > 0 && room > 0 ? [[[`… ${countsOf(folded)}`, 'dim'] as const]] : []),
    ...warnings,
    [
      [
        statusLine(state, options.now),
        state.unreachable.length === 0 && state.startLimit === null ? 'dim' : 'yellow',
      ] as const,
    ],
  ].map(pieces => paint(pieces, options));
}

/** Return the last three warnings, or fewer without room. */
function lastWarnings({ warnings }: FlowState, room: number): Piece[][] {
  const first = Math.max(0, warnings.length - Math.max(0, Math.min(3, room)));
  return warnings
    .slice(first)
    .map(({ agent, message }) => [[`! ${agent === null ? '' : `${agent}: `}${oneLine(message)}`, 'yellow']]);
}

/** Count agents by state, in the order of their first appearance: `2 failed, 12 waiting`. */
const countsOf = (agents: readonly AgentState[]) =>
  Object.entries(Object.groupBy(agents, labelOf))
    .map(([word, group]) => `${group!.length} ${word}`)
    .join(', ');

function agentLine(
  agent: AgentState,
  { names, words, runId }: { names: number; words: number; runId: string },
  options: RenderOptions,
): Piece[] {
  const [mark, style] = markOf(agent);
  const name = agent.name.padEnd(names);
  const time = timeOf(agent, options.now).padStart('59m 59s'.length);
  const label = agent.startedAt === null ? '' : attemptLabel(agent, agent.attempt);
  const attempt = label && `  ${label}`;
  const detail = detailOf(agent, runId, options);
  return [
    [`${mark} `, style],
    [`${name}  `],
    [labelOf(agent).padEnd(words), style],
    [`  ${time}${attempt}`],
    [detail === '' ? '' : `  ${detail}`, 'dim'],
  ];
}

const labelOf = ({ status, state }: AgentState) =>
  status === null ? (stateLabel(state) ?? state.replace(/\..*/, '')) : statusLabel[status];

function markOf({ status, state }: AgentState): readonly [string, Style] {
  if (status === 'succeeded') return ['✓', 'green'];
  if (status === 'failed' || status === 'timedOut') return ['✗', 'red'];
  if (status === 'cancelled') return ['■', 'yellow'];
  if (status === 'skipped' || state === 'waiting') return [status === null ? '·' : '–', 'dim'];
  if (state === 'running.needsInput' || state === 'awaitingApproval') return ['?', 'yellow'];
  return [
    '●',
    ['backingOff', 'engineUnreachable', 'retrying', 'waitingForQuota'].includes(state) ? 'yellow' : 'cyan',
  ];
}

/** Return the time in the current state; for an ended agent, from its start to its end. */
function timeOf({ status, startedAt, endedAt, since }: AgentState, now: number): string {
  if (status === null) return formatDuration(now - since);
  return startedAt === null || endedAt === null ? '' : formatDuration(endedAt - startedAt);
}

/** Return the reason for the state, if there is one; otherwise the last line of output. */
function detailOf(agent: AgentState, runId: string, { now, outputs }: RenderOptions): string {
  if (agent.error !== null) return oneLine(agent.error.message);
  if (agent.status !== null) return agent.reused === undefined ? '' : `reused from ${agent.reused}`;
  if (agent.state === 'waiting')
    return agent.dependsOn.length > 0 ? `for ${dependencyLabels(agent).join(', ')}` : '';
  if (agent.state === 'awaitingApproval' && agent.approval !== undefined)
    return oneLine(approvalQuestion(runId, agent, now));
  if (agent.until !== null) {
    const reason = agent.cause ?? agent.attempts.at(-1)?.error?.message;
    return `${reason === undefined ? '' : `${oneLine(reason)}, `}resumes in ${formatDuration(agent.until - now)}`;
  }
  return tagsOf(agent.state).includes('live') ? oneLine(outputs.get(agent.name) ?? '') : '';
}

function statusLine(state: FlowState, now: number): string {
  const agents = Object.values(state.agents);
  const done = agents.filter(({ status }) => status !== null).length;
  const elapsed = formatDuration((state.endedAt ?? now) - (state.startedAt ?? now));
  const parts = [`${state.runId}  ${elapsed}`, `${done} of ${agents.length} done`];
  for (const engine of state.unreachable)
    parts.push(`${engineTitle(engine)} unreachable: ${oneLine(engine.message)}`);
  if (state.startLimit !== null && state.ended === null)
    parts.push(`Docker is overloaded: starting ${state.startLimit} at once`);
  if (state.ended === null)
    parts.push(
      state.cancelled === null
        ? 'press Ctrl-C to stop and remove all agents'
        : `cancelling: ${oneLine(state.cancelled)}; press Ctrl-C again to remove all at once`,
    );
  return parts.join('  ·  ');
}

/** Cut before colouring, so that no escape sequence is cut in two. */
function paint(pieces: readonly Piece[], { columns, color }: RenderOptions): string {
  let left = columns;
  const painted = pieces.map(([text, style]) => {
    const shown = cutTo(text, left);
    left -= widthOf(shown);
    return color && style && shown !== '' ? styleText(style, shown, { validateStream: false }) : shown;
  });
  const line = painted.join('');
  return color ? line : line.trimEnd();
}
