import type { RunEvent, RunEventBody } from '../../../src/events.ts';
import { type FlowState, initialFlowState, reduce } from '../../../src/state/flow-state.ts';

export const noon = Date.UTC(2026, 0, 2, 12, 0, 0);

type Of<Type extends RunEventBody['type']> = Extract<RunEventBody, { type: Type }>;

/** Return an event `seconds` after noon. */
export const at = (seconds: number, body: RunEventBody): RunEvent => ({
  v: 1,
  seq: 0,
  at: noon + Math.round(seconds * 1000),
  ...body,
});

/** Agents by name, each with its dependencies. */
type Agents = Readonly<Record<string, readonly string[]>>;

export const runStarted = (runId: string, agents: Agents, concurrency = 2): Of<'run.started'> => ({
  type: 'run.started',
  runId,
  name: 'fix',
  version: '0.1.0',
  pid: 1,
  host: 'here',
  concurrency,
  agents: Object.entries(agents).map(([name, on]) => ({ name, dependsOn: [...on], retries: 1 })),
});

export const started = (agents: Agents, seconds = 0, concurrency = 2): RunEvent =>
  at(seconds, runStarted('r1234567', agents, concurrency));

/** The start of a run whose agents have these fields. */
export const startedWith = (
  agents: Readonly<Record<string, Partial<Of<'run.started'>['agents'][number]>>>,
): RunEvent => {
  const event = runStarted('r1234567', Object.fromEntries(Object.keys(agents).map(name => [name, []])));
  return at(0, { ...event, agents: event.agents.map(agent => ({ ...agent, ...agents[agent.name] })) });
};

export const enters = (
  seconds: number,
  agent: string,
  state: string,
  more: Partial<Of<'agent.state'>> = {},
): RunEvent =>
  at(seconds, {
    type: 'agent.state',
    agent,
    attempt: 1,
    state,
    event: 'test',
    containerId: null,
    injectedAt: null,
    cause: null,
    until: null,
    ...more,
  });

const good = { status: 'succeeded', exitCode: 0, error: null } as const;

export const checkEnds = (seconds: number, agent: string, more: Partial<Of<'check.ended'>> = {}): RunEvent =>
  at(seconds, {
    ...{ type: 'check.ended', agent, attempt: 1, round: 1, rounds: 3, ms: 2_000 },
    ...{ status: 'failed', exitCode: 1, reason: 'it exited with 1', transcript: '/run/check.log' },
    ...more,
  });

export const attemptEnds = (
  seconds: number,
  agent: string,
  more: Partial<Of<'attempt.ended'>> = {},
): RunEvent =>
  at(seconds, {
    type: 'attempt.ended',
    agent,
    attempt: 1,
    ...good,
    containerId: 'c1',
    image: 'sha256:1',
    transcript: `/state/${agent}/1/transcript.log`,
    ...more,
  });

export const ends = (seconds: number, agent: string, more: Partial<Of<'agent.ended'>> = {}): RunEvent =>
  at(seconds, { type: 'agent.ended', agent, ...good, containerId: 'c1', image: 'sha256:1', ...more });

export const failure = (kind: string, message = `kind ${kind}`, phase = 'running') =>
  ({ status: 'failed', exitCode: null, error: { phase, kind, message } }) as const;

/** Return the state of a flow after these events. */
export const stateAfter = (...events: readonly RunEvent[]): FlowState =>
  events.reduce((state, event) => reduce(state, event), initialFlowState);
