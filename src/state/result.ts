import * as z from 'zod';
import type { AgentState, Failure, FlowState, Status } from './flow-state.ts';
import { usageOf } from './usage.ts';

const status = z.enum(['succeeded', 'failed', 'timedOut', 'cancelled', 'skipped']);
const exitCode = z.int().nullable().describe('Exit code of the command; null if there is none.');
const containerId = z.string().nullable().describe('Full id; null if none was created.');

const error = z
  .object({
    phase: z.string().describe('State in which it failed.'),
    kind: z.string().describe('Kind of failure, such as `exit`, `image`, `timeout` or `infrastructure`.'),
    message: z.string().describe('What failed and how to fix it, for people.'),
    command: z.string().exactOptional(),
    exitCode: z.int().exactOptional(),
  })
  .nullable();

const usage = z
  .object({
    turns: z.number().nullable(),
    inputTokens: z.number().describe('Includes those from a cache.'),
    cachedInputTokens: z.number(),
    outputTokens: z.number(),
    costUsd: z.number().nullable().describe('As reported by the CLI; null if it does not report costs.'),
  })
  .exactOptional()
  .describe('Usage that the AI CLI reports, the sum of all attempts; absent if it does not report any.');

const attempt = z.object({
  status,
  exitCode,
  host: z.string().exactOptional().describe('The node that a Docker Swarm has placed it on, by its context.'),
  containerId,
  timings: z.record(z.string(), z.number()).describe('Milliseconds spent in each state.'),
});

const agent = z.object({
  status,
  exitCode,
  error,
  host: z
    .string()
    .exactOptional()
    .describe('The docker context of its engine; absent for the engine of the run.'),
  containerId,
  image: z.string().nullable(),
  attempts: z.array(attempt).describe('In order; empty if the agent never started.'),
  transcript: z.string().nullable().describe('Path of the output of the last attempt.'),
  transcriptTruncated: z
    .literal(true)
    .exactOptional()
    .describe('Its beginning is missing: the agent printed more than Docker keeps (`security.log`).'),
  blockedHosts: z
    .array(z.string())
    .describe(
      'Hosts that the proxy of `network.allow` blocked, as `host:port`: sorted, without duplicates, at most 100.',
    ),
  workspace: z
    .object({
      branch: z
        .string()
        .nullable()
        .describe('Branch in the repository that was cloned; null if nothing was saved there.'),
      commit: z.string().nullable().describe('Commit of the branch.'),
      refs: z
        .string()
        .exactOptional()
        .describe('Prefix of the refs with commits that are not on the branch.'),
      diff: z.string().nullable().describe('Path of a patch with all changes.'),
      path: z.string().nullable().describe('Path of the copy, or of a clone that could not be removed.'),
      volume: z
        .string()
        .exactOptional()
        .describe('Volume of the engine with a clone whose work could not be saved.'),
    })
    .nullable()
    .describe('The saved work of the last attempt; null without a clone or copy, or if nothing was changed.'),
  usage,
  screen: z.string().exactOptional().describe('Last screen of an interactive AI CLI, without blank lines.'),
  artifacts: z.array(z.string()).describe('Paths of the artifacts of the last attempt.'),
});

/**
 * The zod schema of a result, as printed by `run --json` and returned by `runFlow`. `timings` are in milliseconds.
 * `parse` throws a `ZodError` for anything else.
 *
 * @example
 * ```ts
 * import { resultSchema } from 'agent-flow';
 *
 * const text = '{"version":1,"runId":"r1","name":"n","status":"succeeded","exitCode":0,"startedAt":null,"endedAt":null,"agents":{}}';
 * console.log(resultSchema.parse(JSON.parse(text)).status); // succeeded
 * ```
 */
export const resultSchema = z.object({
  version: z.literal(1),
  runId: z.string(),
  name: z.string(),
  status,
  exitCode: z
    .number()
    .nullable()
    .describe('The exit code of `run` or `resume`; null until the run has ended.'),
  startedAt: z.iso.datetime().nullable(),
  endedAt: z.iso.datetime().nullable().describe('null until the run has ended.'),
  agents: z.record(z.string(), agent),
});

export type RunResult = z.infer<typeof resultSchema>;
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
  const agents = Object.values(state.agents).map(agent => [agent.name, agentResult(agent)] as const);
  return {
    version: 1,
    runId: state.runId,
    name: state.name,
    status: statusOf(state),
    exitCode: state.ended?.exitCode ?? null,
    startedAt: isoTime(state.startedAt),
    endedAt: isoTime(state.endedAt),
    agents: Object.fromEntries(agents),
  };
}

/**
 * Return the exit code: 0 all agents succeeded · 1 an agent failed or was cancelled · 3 Docker or the host failed · 4 an
 * agent timed out; the largest that applies. A skipped agent counts by the agents that it depends on.
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
  if (statuses.every(status => status === 'succeeded')) return 'succeeded';
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

function agentResult(agent: AgentState): AgentResult {
  const { status, exitCode, error } = outcomeOf(agent);
  const used = usageOf(agent);
  const last = agent.attempts.at(-1);
  return {
    status,
    exitCode,
    error: error && plainFailure(error),
    ...(agent.host === null ? {} : { host: agent.host }),
    containerId: agent.containerId,
    image: agent.image,
    attempts: agent.attempts.flatMap(({ status, exitCode, host, containerId, timings }) =>
      status === null ? [] : [{ status, exitCode, ...(host !== null && { host }), containerId, timings }],
    ),
    transcript: last?.transcript ?? null,
    ...(last?.transcriptTruncated ? { transcriptTruncated: true as const } : {}),
    blockedHosts: blockedHosts(agent),
    workspace: last?.workspace ?? null,
    ...(used === null ? {} : { usage: used }),
    ...(last?.screen ? { screen: last.screen } : {}),
    artifacts: [...(last?.artifacts ?? [])],
  };
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
