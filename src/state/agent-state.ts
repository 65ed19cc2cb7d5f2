import type { RunEvent } from '../events.ts';

export type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;
export type Status = EventOf<'agent.ended'>['status'];
export type Failure = NonNullable<EventOf<'agent.ended'>['error']>;

export type Usage = NonNullable<EventOf<'attempt.ended'>['usage']>;

export interface AttemptState {
  readonly attempt: number;
  /** The host that a scheduler has placed it on; null without one. */
  readonly host: string | null;
  /** null until the attempt has ended. */
  readonly status: Status | null;
  readonly exitCode: number | null;
  readonly error: Failure | null;
  readonly containerId: string | null;
  /** Milliseconds spent in each state that was left, with its substates. */
  readonly timings: Readonly<Record<string, number>>;
  /** Path of the transcript. */
  readonly transcript: string | null;
  /** Whether the agent printed more than Docker keeps, so that the beginning is lost. */
  readonly transcriptTruncated: boolean;
  /** The usage that its AI CLI reports; null if it does not. */
  readonly usage: Usage | null;
  /** The last screen of an interactive AI CLI; null for others. */
  readonly screen: string | null;
  /** Hosts that its network blocked, as `host:port`. */
  readonly blockedHosts: readonly string[];
  /** Whether its work is saved. */
  readonly isSaved: boolean;
  readonly workspace: EventOf<'workspace.saved'>['workspace'];
  /** Paths of the saved artifacts. */
  readonly artifacts: readonly string[];
  /** The check of its work; null if there was none. */
  readonly check: CheckState | null;
}

/** The check of an attempt's work, which ends a round. */
export type CheckState = Omit<
  EventOf<'check.ended'>,
  'type' | 'agent' | 'attempt' | 'v' | 'seq' | 'at' | 'checksum'
>;

/** The results and the condition that an agent needs to start, and its values of a matrix. */
type Control = Pick<EventOf<'run.started'>['agents'][number], 'on' | 'when' | 'matrix'>;

export interface AgentState extends Control {
  readonly name: string;
  readonly dependsOn: readonly string[];
  /** The result of its condition; null if there is none, or before it is evaluated. */
  readonly condition: { readonly holds: boolean | null; readonly reason: string } | null;
  /** The docker context of the engine that it is placed on; null for the engine of the run, and before a scheduler has placed it. */
  readonly host: string | null;
  readonly attempt: number;
  /** `waiting` before its start, then the state of the machine, such as `running.working`; the status if it never started. */
  readonly state: string;
  /** When it entered this state, in milliseconds since the epoch. */
  readonly since: number;
  /** The failure that caused the state; null if none did. */
  readonly cause: string | null;
  /** When a waiting state ends, in milliseconds since the epoch. */
  readonly until: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly containerId: string | null;
  /** null until it has ended. */
  readonly status: Status | null;
  readonly exitCode: number | null;
  readonly error: Failure | null;
  readonly image: string | null;
  /** The earlier run whose outcome, work and last attempt it has; absent if it runs in this one. */
  readonly reused?: string;
  readonly attempts: readonly AttemptState[];
}

/** Return the state of an agent before its start. */
export const waiting = (
  { name, dependsOn, host, on, when, matrix }: EventOf<'run.started'>['agents'][number],
  since: number,
): AgentState => ({
  name,
  dependsOn,
  ...(on === undefined ? {} : { on }),
  ...(when === undefined ? {} : { when }),
  ...(matrix === undefined ? {} : { matrix }),
  condition: null,
  host: host ?? null,
  attempt: 1,
  state: 'waiting',
  since,
  cause: null,
  until: null,
  startedAt: null,
  endedAt: null,
  containerId: null,
  status: null,
  exitCode: null,
  error: null,
  image: null,
  attempts: [],
});

export const noteCondition = (
  agent: AgentState,
  { holds, reason }: EventOf<'agent.condition'>,
): AgentState => ({ ...agent, condition: agent.condition ?? { holds, reason } });

export function enter(agent: AgentState, event: EventOf<'agent.state'>): AgentState {
  const left = leave(agent, event.at);
  // A resumed agent reconciles as attempt 1, until it has read which attempt it is in.
  const attempt = Math.max(agent.attempt, event.attempt);
  const known = attempt === agent.attempt ? agent.containerId : null;
  const containerId = event.containerId ?? known;
  return {
    ...left,
    attempt,
    state: event.state,
    since: event.at,
    cause: event.cause,
    until: event.until,
    startedAt: agent.startedAt ?? event.at,
    containerId,
    attempts: withAttempt(left.attempts, attempt, entry => ({ ...entry, containerId })),
  };
}

/** Return the top-level state: `stopping` for `stopping.killing`. */
export const topLevel = (state: string) => state.split('.', 1)[0]!;

/** Add the time in the state that is left to the attempt. */
function leave(agent: AgentState, at: number): AgentState {
  if (agent.state === 'waiting' || agent.status !== null) return agent;
  const state = topLevel(agent.state);
  const attempts = withAttempt(agent.attempts, agent.attempt, entry => {
    const spent = (entry.timings[state] ?? 0) + Math.max(0, at - agent.since);
    return { ...entry, timings: { ...entry.timings, [state]: spent } };
  });
  return { ...agent, attempts };
}

export function place(agent: AgentState, { attempt, host }: EventOf<'agent.placed'>): AgentState {
  const attempts = withAttempt(agent.attempts, attempt, entry => ({ ...entry, host }));
  return { ...agent, host, attempts };
}

/** Record the outcome of an attempt. The first one counts: after a crash it may be journaled again. */
export function endAttempt(agent: AgentState, event: EventOf<'attempt.ended'>): AgentState {
  const {
    attempt,
    status,
    exitCode,
    error,
    containerId,
    image,
    transcript,
    transcriptTruncated = false,
    usage = null,
    screen = null,
    blockedHosts = [],
  } = event;
  if (agent.attempts.some(entry => entry.attempt === attempt && entry.status !== null)) return agent;
  const outcome = { status, exitCode, error, transcript, transcriptTruncated, usage, screen, blockedHosts };
  const attempts = withAttempt(agent.attempts, attempt, entry => ({
    ...entry,
    ...outcome,
    containerId: containerId ?? entry.containerId,
  }));
  return { ...agent, image: image ?? agent.image, attempts };
}

export function endAgent(agent: AgentState, event: EventOf<'agent.ended'>): AgentState {
  const { status, exitCode, error, containerId, image, at } = event;
  const isUnstarted = agent.state === 'waiting';
  return {
    ...agent,
    ...(isUnstarted ? { state: status, since: at } : {}),
    cause: null,
    until: null,
    endedAt: agent.endedAt ?? at,
    status,
    exitCode,
    error,
    containerId: containerId ?? agent.containerId,
    image: image ?? agent.image,
  };
}

export function saveWork(
  agent: AgentState,
  { attempt, workspace, artifacts }: EventOf<'workspace.saved'>,
): AgentState {
  const attempts = withAttempt(agent.attempts, attempt, entry => ({
    ...entry,
    isSaved: true,
    workspace,
    artifacts,
  }));
  return { ...agent, attempts };
}

/** Record the result of the check on the work of an attempt. The first one counts. */
export function endCheck(
  agent: AgentState,
  { attempt, round, rounds, status, exitCode, reason, ms, transcript }: EventOf<'check.ended'>,
): AgentState {
  const check = { round, rounds, status, exitCode, reason, ms, transcript };
  const attempts = withAttempt(agent.attempts, attempt, entry => ({ ...entry, check: entry.check ?? check }));
  return { ...agent, attempts };
}

function withAttempt(
  attempts: readonly AttemptState[],
  attempt: number,
  next: (entry: AttemptState) => AttemptState,
): readonly AttemptState[] {
  if (!attempts.some(entry => entry.attempt === attempt)) return [...attempts, next(emptyAttempt(attempt))];
  return attempts.map(entry => (entry.attempt === attempt ? next(entry) : entry));
}

export const emptyAttempt = (attempt: number): AttemptState => ({
  attempt,
  host: null,
  status: null,
  exitCode: null,
  error: null,
  containerId: null,
  timings: {},
  transcript: null,
  transcriptTruncated: false,
  usage: null,
  screen: null,
  blockedHosts: [],
  isSaved: false,
  workspace: null,
  artifacts: [],
  check: null,
});
