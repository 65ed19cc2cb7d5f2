import type { AttemptState, Usage } from './agent-state.ts';
import type { AgentState, Failure, FlowState, Status } from './flow-state.ts';
import { outputIn } from './for-each-state.ts';
import type { RunResult } from './result-schema.ts';
import { ownAttempts } from './reused-agent.ts';
import { roundsOf } from './rounds.ts';
import { costOfRun, usageOf } from './usage.ts';

type AgentResult = RunResult['agents'][string];

/**
 * Return the result of a run. An agent without an outcome in a run that has ended counts as failed: its supervisor crashed.
 *
 * @example
 * ```ts
 * import { initialFlowState, resultOf } from 'agent-flow';
 *
 * console.log(resultOf(initialFlowState).version); // 1
 * ```
 */
export function resultOf(state: FlowState): RunResult {
  const agents = Object.values(state.agents).map(
    agent => [agent.name, agentResult(agent, outputIn(state, agent))] as const,
  );
  return {
    version: 1,
    runId: state.runId,
    name: state.name,
    status: statusOf(state),
    exitCode: state.ended?.exitCode ?? null,
    startedAt: isoTime(state.startedAt),
    endedAt: isoTime(state.endedAt),
    ...(state.rerunOf === null ? {} : { rerunOf: state.rerunOf }),
    ...costResult(state),
    agents: Object.fromEntries(agents),
  };
}

/**
 * Return the exit code: 0 all agents succeeded · 1 an agent failed or was cancelled · 3 Docker or the host failed · 4 an
 * agent timed out; the largest that applies. A skipped agent counts by the agents that it depends
 * on, or not at all.
 */
export function exitCodeOf(state: FlowState): number {
  if (state.ended) return state.ended.exitCode;
  return Math.max(0, ...Object.values(state.agents).map(agent => exitCodeOfAgent(outcomeOf(agent))));
}

const infrastructure: readonly string[] = [
  'infrastructure',
  'unreachable',
  'nameConflict',
  'hostLost',
  'network',
  'outOfResources',
  'gpu',
];

function exitCodeOfAgent({ status, error }: Outcome): number {
  if (status === 'succeeded' || status === 'skipped') return 0;
  if (status === 'timedOut') return 4;
  return status === 'failed' && error !== null && infrastructure.includes(error.kind) ? 3 : 1;
}

/** Return the status that matches the exit code; `cancelled` if the user cancelled the run, or nothing else failed. */
export function statusOf(state: FlowState): Status {
  if (state.ended) return state.ended.status;
  const statuses = Object.values(state.agents).map(agent => outcomeOf(agent).status);
  // An agent that is skipped without the failure of another one is as its spec has it.
  if (statuses.every(status => status === 'succeeded' || status === 'skipped')) return 'succeeded';
  if (state.cancelled !== null && statuses.includes('cancelled')) return 'cancelled';
  if (statuses.includes('timedOut')) return 'timedOut';
  return statuses.includes('cancelled') && !statuses.includes('failed') ? 'cancelled' : 'failed';
}

interface Outcome {
  readonly status: Status;
  readonly exitCode: number | null;
  readonly error: Failure | null;
}

function outcomeOf({ status, exitCode, error, state }: AgentState): Outcome {
  if (status !== null) return { status, exitCode, error };
  const message = 'no outcome was recorded for this agent: its supervisor crashed';
  return { status: 'failed', exitCode: null, error: { phase: state, kind: 'infrastructure', message } };
}

function agentResult(agent: AgentState, output: string | null): AgentResult {
  const { status, exitCode, error } = outcomeOf(agent);
  const used = usageOf(agent);
  const last = agent.attempts.at(-1);
  return {
    status,
    exitCode,
    error: error && plainFailure(error),
    ...(agent.matrix === undefined ? {} : { matrix: agent.matrix }),
    ...listResult(agent),
    ...(agent.reused === undefined ? {} : { reused: agent.reused }),
    ...approvalResult(agent),
    ...(agent.host === null ? {} : { host: agent.host }),
    containerId: agent.containerId,
    image: agent.image,
    attempts: ownAttempts(agent).flatMap(attemptResult),
    ...(output === null ? {} : { output: JSON.parse(output) as unknown }),
    ...roundsResult(agent),
    transcript: last?.transcript ?? null,
    ...(last?.transcriptTruncated ? { transcriptTruncated: true as const } : {}),
    blockedHosts: blockedHosts(agent),
    workspace: last?.workspace ?? null,
    ...(used === null ? {} : { usage: withoutPrices(used) }),
    ...(last?.screen ? { screen: last.screen } : {}),
    artifacts: [...(last?.artifacts ?? [])],
  };
}

function listResult({ forEach, item }: AgentState): Pick<AgentResult, 'agents' | 'item'> {
  return {
    ...(forEach?.names ? { agents: [...forEach.names] } : {}),
    // A reused one has its item when its list is read again.
    ...(item && item.json !== '' ? { item: JSON.parse(item.json) as unknown } : {}),
  };
}

function attemptResult({
  status,
  exitCode,
  error,
  host,
  containerId,
  continues,
  timings,
}: AttemptState): AgentResult['attempts'] {
  if (status === null) return [];
  const continued = continues?.problem === null ? { continues: continues.of } : {};
  const corrected = error?.correctable ? { outputProblem: error.message } : {};
  return [
    { status, exitCode, ...(host !== null && { host }), containerId, ...continued, timings, ...corrected },
  ];
}

function approvalResult({ approval }: AgentState): Pick<AgentResult, 'approval'> {
  const decided = approval?.decided ?? null;
  if (decided === null) return {};
  const { decision, source, by, reason, at } = decided;
  return { approval: { decision, source, by, reason, at: new Date(at).toISOString() } };
}

function roundsResult(agent: AgentState): Pick<AgentResult, 'rounds'> {
  const rounds = roundsOf(agent).map(({ round, attempt, status, exitCode, ms, transcript }) => ({
    ...{ round, attempt, status, exitCode, ms, transcript },
  }));
  return rounds.length === 0 ? {} : { rounds };
}

/** The prices of all agents are in `cost`. */
const withoutPrices = ({ pricesDate: _, unpricedModels: __, ...usage }: Usage) => usage;

function costResult({ agents, maxUsd }: FlowState): Pick<RunResult, 'cost'> {
  const cost = costOfRun(agents);
  if (cost === null) return {};
  const unpricedModels = [...cost.unpricedModels];
  return { cost: { ...cost, ...(maxUsd === null ? {} : { maxUsd }), unpricedModels } };
}

/** Return the blocked hosts of all attempts. */
export const blockedHosts = ({ attempts }: AgentState): string[] =>
  [...new Set(attempts.flatMap(attempt => attempt.blockedHosts))].sort().slice(0, 100);

/** Drop undefined fields. */
const plainFailure = ({ phase, kind, message, command, exitCode }: Failure) => ({
  phase,
  kind,
  message,
  ...(command === undefined ? {} : { command }),
  ...(exitCode === undefined ? {} : { exitCode }),
});

const isoTime = (at: number | null) => (at === null ? null : new Date(at).toISOString());
