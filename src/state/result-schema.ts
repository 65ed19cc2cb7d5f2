import * as z from 'zod';
import { decisionFields } from '../events.ts';

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
    cacheWriteTokens: z
      .number()
      .exactOptional()
      .describe('Those written to a cache, a part of `inputTokens`; absent if the CLI reports none.'),
    outputTokens: z.number(),
    costUsd: z
      .number()
      .nullable()
      .describe(
        'US dollars by the prices of its models, or as reported by the CLI if that is more; null if it is not known.',
      ),
  })
  .exactOptional()
  .describe('Usage that the AI CLI reports, the sum of all attempts; absent if it does not report any.');

const cost = z
  .object({
    usd: z.number().nullable().describe('US dollars of all agents whose cost is known; null if none is.'),
    maxUsd: z.number().exactOptional().describe('The budget of the run.'),
    pricesDate: z.string().nullable().describe('The date of the prices of models; null if none was used.'),
    unpricedModels: z
      .array(z.string())
      .describe('Models without a known price, whose tokens are not in the cost.'),
  })
  .exactOptional()
  .describe(
    'What the AI CLIs have cost in this run, without reused agents; absent if none has reported its usage.',
  );

const attempt = z.object({
  status,
  exitCode,
  host: z.string().exactOptional().describe('The node that a Docker Swarm has placed it on, by its context.'),
  containerId,
  continues: z
    .int()
    .exactOptional()
    .describe('The attempt whose conversation it continued, from 1; absent if it began a new one.'),
  timings: z.record(z.string(), z.number()).describe('Milliseconds spent in each state.'),
  outputProblem: z
    .string()
    .exactOptional()
    .describe('Why its output does not count, if the next attempt corrects it.'),
});

const approval = z
  .object({
    ...decisionFields,
    at: z.iso.datetime(),
  })
  .exactOptional()
  .describe('The decision on an approval; absent for other agents, and if there is none.');

const round = z.object({
  round: z.int(),
  attempt: z.int().describe('The attempt whose work was checked, from 1.'),
  status: z.enum(['passed', 'failed', 'timedOut']),
  exitCode: z.int().nullable().describe('Exit code of the check; null if it was stopped at its limit.'),
  ms: z.number().describe('Duration of the check in milliseconds.'),
  transcript: z.string().nullable().describe('Path of the output of the check.'),
});

const agent = z.object({
  status,
  exitCode,
  error,
  matrix: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .exactOptional()
    .describe('The values of its matrix, by name; absent without one.'),
  agents: z
    .array(z.string())
    .exactOptional()
    .describe('The agents for the items of its `forEach`; absent without one, and before they are known.'),
  item: z.unknown().optional().describe('The item of a list that it is for; absent for other agents.'),
  reused: z
    .string()
    .exactOptional()
    .describe(
      'The earlier run in which it succeeded: it was not started in this one, and its work, usage and files are of that run. Absent for others.',
    ),
  approval,
  host: z
    .string()
    .exactOptional()
    .describe('The docker context of its engine; absent for the engine of the run.'),
  containerId,
  image: z.string().nullable(),
  attempts: z.array(attempt).describe('In order; empty if the agent never started in this run.'),
  output: z
    .unknown()
    .optional()
    .describe('The output of an agent with `output` that has succeeded; absent for any other.'),
  rounds: z
    .array(round)
    .exactOptional()
    .describe('The rounds that ended with a check, in order; absent if no check has ended.'),
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
  rerunOf: z.string().exactOptional().describe('The run that this one repeats; absent for others.'),
  cost,
  agents: z.record(z.string(), agent),
});

export type RunResult = z.infer<typeof resultSchema>;
