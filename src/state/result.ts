import * as z from 'zod';
import type { AgentState, Failure, FlowState, Status } from './flow-state.ts';
import { usageOf } from './usage.ts';

const status = z.enum(['succeeded', 'failed', 'timedOut', 'cancelled', 'skipped']);
const exitCode = z.int().nullable().describe('Of the agent’s command; null where it has none.');
const containerId = z.string().nullable().describe('Full id; null where none was created.');

const error = z
  .object({
    phase: z.string().describe('The state in which it happened.'),
    kind: z
      .string()
      .describe('What sort of failure, such as `exit`, `image`, `timeout` or `infrastructure`.'),
    message: z.string().describe('What failed and what to do, for people.'),
    command: z.string().exactOptional(),
    exitCode: z.int().exactOptional(),
  })
  .nullable();

const usage = z
  .object({
    turns: z.number().nullable(),
    inputTokens: z.number().describe('Those from a cache included.'),
    cachedInputTokens: z.number(),
    outputTokens: z.number(),
    costUsd: z.number().nullable().describe('As the CLI reckons it; null where it does not.'),
  })
  .exactOptional()
  .describe('What the AI CLI says that it used, all attempts together; absent where it does not say.');

const attempt = z.object({
  status,
  exitCode,
  containerId,
  timings: z.record(z.string(), z.number()).describe('Milliseconds spent in each state.'),
});

const agent = z.object({
  status,
  exitCode,
  error,
  containerId,
  image: z.string().nullable(),
  attempts: z.array(attempt).describe('In order; empty where the agent never started.'),
  transcript: z.string().nullable().describe('Path of what the last attempt printed.'),
  transcriptTruncated: z
    .literal(true)
    .exactOptional()
    .describe('It lacks its beginning: the agent printed more than `security.log` lets Docker keep.'),
  blockedHosts: z
    .array(z.string())
    .describe(
      'What the proxy of `network.allow` kept it from, as `host:port`: sorted, each once, at most 100.',
    ),
  workspace: z
    .object({
      branch: z
        .string()
        .nullable()
        .describe('Of the repository that was cloned; null where nothing was brought there.'),
      commit: z.string().nullable().describe('What the branch is at.'),
      refs: z
        .string()
        .exactOptional()
        .describe('Where the commits are that are not on the branch: refs below this one.'),
      diff: z.string().nullable().describe('Path of a patch with all that was changed.'),
      path: z.string().nullable().describe('Of a copy, or of a clone that had to be left where it is.'),
    })
    .nullable()
    .describe(
      'Where the work of the last attempt is; null where it is in no clone or copy, or nothing was changed.',
    ),
  usage,
  screen: z
    .string()
    .exactOptional()
    .describe(
      'Of an interactive AI CLI, what was to be seen of it last: lines of text, those that are blank left out.',
    ),
  artifacts: z.array(z.string()).describe('Paths of what was taken out after the last attempt.'),
});

/**
 * The schema (zod) of what `run --json` prints and `runFlow` resolves with.
 *
 * @example
 * ```ts
 * import { resultSchema } from 'agent-flow';
 *
 * const text = '{"version":1,"runId":"r1","name":"n","status":"succeeded","startedAt":null,"endedAt":null,"agents":{}}';
 * console.log(resultSchema.parse(JSON.parse(text)).status); // succeeded
 * ```
 */
export const resultSchema = z.object({
  version: z.literal(1),
  runId: z.string(),
  name: z.string(),
  status,
  startedAt: z.iso.datetime().nullable(),
  endedAt: z.iso.datetime().nullable().describe('null while the run has not ended.'),
  agents: z.record(z.string(), agent),
});

export type RunResult = z.infer<typeof resultSchema>;
type AgentResult = RunResult['agents'][string];

/**
 * How a run came out. An agent that has no end in a run that is over was lost with its engine.
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
    status: state.ended?.status ?? statusOf(state),
    startedAt: isoTime(state.startedAt),
    endedAt: isoTime(state.endedAt),
    agents: Object.fromEntries(agents),
  };
}

/**
 * 0 all agents succeeded · 1 an agent failed or was cancelled · 3 Docker or what it stands on · 4 an agent timed out;
 * where several apply the largest. A skipped agent counts through what it depends on.
 */
export function exitCodeOf(state: FlowState): number {
  if (state.ended) return state.ended.exitCode;
  return Math.max(0, ...Object.values(state.agents).map(agent => exitCodeOfAgent(outcomeOf(agent))));
}

const infrastructure: readonly string[] = [
  'infrastructure',
  'unreachable',
  'nameConflict',
  'network',
  'outOfResources',
  'gpu',
];

function exitCodeOfAgent({ status, error }: Outcome): number {
  if (status === 'succeeded' || status === 'skipped') return 0;
  if (status === 'timedOut') return 4;
  return status === 'failed' && error !== null && infrastructure.includes(error.kind) ? 3 : 1;
}

/** A run is what its exit code says; `cancelled` where a person ended it, or nothing worse befell. */
function statusOf(state: FlowState): Status {
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
  const message = 'no outcome was recorded for this agent: its engine crashed';
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
    containerId: agent.containerId,
    image: agent.image,
    attempts: agent.attempts.flatMap(({ status, exitCode, containerId, timings }) =>
      status === null ? [] : [{ status, exitCode, containerId, timings }],
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

/** Of all its attempts. */
export const blockedHosts = ({ attempts }: AgentState): string[] =>
  [...new Set(attempts.flatMap(attempt => attempt.blockedHosts))].sort().slice(0, 100);

/** Without the keys that say nothing. */
const plainFailure = ({ phase, kind, message, command, exitCode }: Failure) => ({
  phase,
  kind,
  message,
  ...(command === undefined ? {} : { command }),
  ...(exitCode === undefined ? {} : { exitCode }),
});

const isoTime = (at: number | null) => (at === null ? null : new Date(at).toISOString());
