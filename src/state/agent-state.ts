import { type ApprovalState, newApproval } from './approval-state.ts';
import { type AttemptState, type EventOf, type Failure, type Status, withAttempt } from './attempt-state.ts';

export type { AttemptState, CheckState, EventOf, Failure, Status, Usage } from './attempt-state.ts';

/** The results and the condition that an agent needs to start, its values of a matrix, and what it reads of others. */
type Started = EventOf<'run.started'>['agents'][number];
type Control = Pick<Started, 'on' | 'when' | 'matrix' | 'inputs'>;

export interface AgentState extends Control {
  /** Absent for an agent with a container. */
  readonly approval?: ApprovalState;
  /** The list of an agent that becomes others, and their names; null before it has. Absent for other agents. */
  readonly forEach?: NonNullable<Started['forEach']> & { readonly names: readonly string[] | null };
  /** The agent that has become it, and its item as JSON, which is empty before that. Absent for other agents. */
  readonly item?: NonNullable<Started['item']> & { readonly json: string };
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
  /** Maximum number of rounds; absent for an agent without a check. */
  readonly rounds?: number;
  /** The earlier run whose outcome, work and last attempt it has; absent if it runs in this one. */
  readonly reused?: string;
  readonly attempts: readonly AttemptState[];
}

/** Return the state of an agent before its start. */
export const waiting = (
  { name, dependsOn, host, on, when, matrix, inputs, approve, forEach, item, rounds }: Started,
  since: number,
): AgentState => ({
  name,
  dependsOn,
  ...(on === undefined ? {} : { on }),
  ...(when === undefined ? {} : { when }),
  ...(matrix === undefined ? {} : { matrix }),
  ...(inputs === undefined ? {} : { inputs }),
  ...(approve === undefined ? {} : { approval: newApproval(approve) }),
  ...(forEach === undefined ? {} : { forEach: { ...forEach, names: null } }),
  ...(item === undefined ? {} : { item: { ...item, json: '' } }),
  ...(rounds === undefined ? {} : { rounds }),
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
    // An approval has no attempts.
    ...(agent.approval === undefined && {
      attempts: withAttempt(left.attempts, attempt, entry => ({ ...entry, containerId })),
    }),
  };
}

/** Return the top-level state: `stopping` for `stopping.killing`. */
export const topLevel = (state: string) => state.split('.', 1)[0]!;

/** Add the time in the state that is left to the attempt. */
function leave(agent: AgentState, at: number): AgentState {
  if (agent.state === 'waiting' || agent.status !== null || agent.approval !== undefined) return agent;
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

/** Record the output of an attempt. The first one counts. */
export const noteOutput = (agent: AgentState, { attempt, json }: EventOf<'agent.output'>): AgentState => ({
  ...agent,
  attempts: withAttempt(agent.attempts, attempt, entry => ({ ...entry, output: entry.output ?? json })),
});

/** Return the output of an agent as JSON; null if it has none, or has not succeeded. */
export const outputOf = ({ status, attempts }: Pick<AgentState, 'status' | 'attempts'>): string | null =>
  status === 'succeeded' ? (attempts.at(-1)?.output ?? null) : null;

export function endAgent(agent: AgentState, event: EventOf<'agent.ended'>): AgentState {
  const { status, exitCode, error, containerId, image, at } = event;
  const isUnstarted = agent.state === 'waiting' || agent.forEach !== undefined;
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

/** Record whether the conversation of an attempt was kept. The first record counts. */
export const noteConversation = (
  agent: AgentState,
  { attempt, problem }: EventOf<'conversation.kept'>,
): AgentState => ({
  ...agent,
  attempts: withAttempt(agent.attempts, attempt, entry => ({
    ...entry,
    conversation: entry.conversation ?? { problem },
  })),
});

/** Record which conversation an attempt continues. The first record counts. */
export const noteContinued = (
  agent: AgentState,
  { attempt, of, problem }: EventOf<'conversation.continued'>,
): AgentState => ({
  ...agent,
  attempts: withAttempt(agent.attempts, attempt, entry => ({
    ...entry,
    continues: entry.continues ?? { of, problem },
  })),
});
