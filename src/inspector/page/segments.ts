import type { Mark } from '../../graph/drawing.ts';
import { decisionLabel } from '../../state/approval-label.ts';
import type { AgentState } from '../../state/flow-state.ts';
import type { AgentTimeline, Step } from '../../state/history.ts';
import { attemptLabel, checkLabel, roundLabel, roundOf } from '../../state/rounds.ts';
import { statusLabel } from '../../state/state-label.ts';
import { formatDuration } from '../../text/duration.ts';

/** A part of an agent's time: an attempt, a round, a check, or the wait for a decision. */
export interface Segment {
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly title: string;
  /** `running` before its end. */
  readonly mark: Mark;
}

export interface Segments {
  readonly attempts: readonly Segment[];
  /** None for an agent that is not checked. */
  readonly rounds: readonly Segment[];
  readonly checks: readonly Segment[];
  readonly approvals: readonly Segment[];
}

type Agent = Pick<AgentState, 'attempts' | 'rounds' | 'approval'>;

/** Return the segments of an agent. One that has not ended reaches to `end`. */
export function segmentsOf(agent: Agent, { steps, requestedAt }: AgentTimeline, end: number): Segments {
  if (agent.approval !== undefined)
    return { attempts: [], rounds: [], checks: [], approvals: approvalSegments(agent, requestedAt, end) };
  const attempts = attemptSpans(steps, end).map(span => ({ ...span, round: roundOf(agent, span.attempt) }));
  const rounds = Map.groupBy(attempts, ({ round }) => round?.round ?? null);
  return {
    attempts: attempts.map(span => attemptSegment(agent, span)),
    rounds: [...rounds].flatMap(([round, spans]) => (round === null ? [] : [roundSegment(agent, spans)])),
    checks: checkSegments(agent, steps, end),
    approvals: [],
  };
}

interface Span {
  readonly attempt: number;
  readonly from: number;
  readonly to: number;
}

/** Return when each attempt began and ended. A resumed agent is briefly in attempt 1 until it has reconciled. */
function attemptSpans(steps: readonly Step[], end: number): Span[] {
  const starts = new Map<number, number>();
  let newest = 0;
  for (const { event } of steps) {
    if (event.attempt <= newest) continue;
    newest = event.attempt;
    starts.set(newest, event.at);
  }
  const entries = [...starts];
  return entries.map(([attempt, from], index) => ({ attempt, from, to: entries[index + 1]?.[1] ?? end }));
}

const checkMark = (check: { readonly status: string }): Mark =>
  check.status === 'passed' ? 'succeeded' : check.status === 'timedOut' ? 'timedOut' : 'failed';

function attemptSegment(agent: Agent, { attempt, from, to }: Span): Segment {
  const entry = agent.attempts.find(known => known.attempt === attempt);
  const label = attemptLabel(agent, attempt);
  const where = label.includes('attempt') ? label : [label, `attempt ${attempt}`].filter(Boolean).join(', ');
  const code = entry?.exitCode == null ? '' : `, exit code ${entry.exitCode}`;
  const status = entry?.status ?? null;
  const result = status === null ? 'not ended' : `${statusLabel[status]}${code}`;
  return { from, to, mark: status ?? 'running', title: `${where}: ${result}` };
}

function roundSegment(agent: Agent, spans: readonly Span[]): Segment {
  const last = spans.at(-1)!;
  const check = agent.attempts.find(({ attempt }) => attempt === last.attempt)?.check ?? null;
  const { round, rounds } = roundOf(agent, last.attempt)!;
  return {
    ...{ from: spans[0]!.from, to: last.to },
    mark: check === null ? 'running' : checkMark(check),
    title: `round ${round} of ${rounds}: ${check === null ? 'no check has ended' : checkLabel(check)}`,
  };
}

function checkSegments(agent: Agent, steps: readonly Step[], end: number): Segment[] {
  return steps.flatMap(({ event }, index) => {
    if (event.state !== 'checking') return [];
    const check = agent.attempts.find(({ attempt }) => attempt === event.attempt)?.check ?? null;
    const to = steps[index + 1]?.event.at ?? end;
    const round = roundOf(agent, event.attempt);
    const label = round === null ? '' : roundLabel(round);
    const result =
      check === null ? 'the check runs' : `${checkLabel(check)}, after ${formatDuration(check.ms)}`;
    const mark = check === null ? 'running' : checkMark(check);
    return [{ from: event.at, to, mark, title: `${label}${label && ': '}${result}` }];
  });
}

function approvalSegments({ approval }: Agent, requestedAt: number | null, end: number): Segment[] {
  if (approval === undefined || requestedAt === null) return [];
  const label = decisionLabel(approval);
  return [
    {
      ...{ from: requestedAt, to: approval.decided?.at ?? end },
      mark: label === null ? 'waiting' : approval.decided!.decision === 'approved' ? 'succeeded' : 'failed',
      title: label ?? 'waiting for approval',
    },
  ];
}
