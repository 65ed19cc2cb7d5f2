import * as z from 'zod';
import { agentName, runIdPattern } from './spec/names.ts';

/**
 * What can happen in a run. These events are the journal, line by line, and every view is a reducer over them:
 * progress, results, `ps`, replay.
 */

const status = z.enum(['succeeded', 'failed', 'timedOut', 'cancelled', 'skipped']);
const failure = z.object({
  phase: z.string(),
  kind: z.string(),
  message: z.string(),
  command: z.string().optional(),
  exitCode: z.number().optional(),
  until: z
    .number()
    .optional()
    .describe('When a plan that is used up is there again, milliseconds since the epoch.'),
});
const outcome = { status, exitCode: z.number().nullable(), error: failure.nullable() };
/** What an AI CLI says that it used. */
const usage = z.object({
  turns: z.number().nullable(),
  inputTokens: z.number(),
  cachedInputTokens: z.number(),
  outputTokens: z.number(),
  costUsd: z.number().nullable(),
});
/** They become components of paths. */
const agent = z.string().regex(agentName);
const attempt = z.number().int().min(1);
/** Never an option of the docker command. */
const id = z.string().regex(/^[A-Za-z0-9][\w.-]*$/);
const containerId = id.nullable();

const kinds = [
  z.object({
    type: z.literal('run.started'),
    runId: z.string().regex(runIdPattern),
    name: z.string(),
    version: z.string(),
    pid: z.number(),
    host: z.string(),
    concurrency: z.number(),
    agents: z.array(z.object({ name: agent, dependsOn: z.array(agent), retries: z.number() })),
  }),
  /** An agent entered a state, for instance `running.working`; `event` is what brought it there. */
  z.object({
    type: z.literal('agent.state'),
    agent,
    attempt,
    state: z.string(),
    event: z.string(),
    containerId,
    /** Milliseconds since the epoch. */
    injectedAt: z.number().nullable(),
    /** What went wrong, where the transition is the answer to a failure. */
    cause: z.string().nullable(),
    /** When a state that waits will go on, milliseconds since the epoch. */
    until: z.number().nullable(),
  }),
  /** The verdict on an attempt, told before its container is removed. The first one for an attempt counts. */
  z.object({
    type: z.literal('attempt.ended'),
    agent,
    attempt,
    ...outcome,
    containerId,
    image: z.string().nullable(),
    /** Path of the transcript; null where there is none. */
    transcript: z.string().nullable(),
    /** Docker had thrown its beginning away. */
    transcriptTruncated: z.boolean().exactOptional(),
    usage: usage.exactOptional(),
    screen: z.string().exactOptional().describe('The last that was to be seen of an interactive AI CLI.'),
    blockedHosts: z
      .array(z.string())
      .exactOptional()
      .describe('What the proxy of `network.allow` kept it from, as `host:port`; sorted, at most 100.'),
  }),
  /** What an attempt came to, beside its transcript: told once it is safe, before the clone is removed. */
  z.object({
    type: z.literal('workspace.saved'),
    agent,
    attempt,
    workspace: z
      .object({
        /** In the repository that was cloned; null where nothing got there. */
        branch: z.string().nullable(),
        commit: z.string().nullable(),
        refs: z
          .string()
          .exactOptional()
          .describe('Where the commits are that are not on the branch: refs below this one.'),
        /** Path of a patch with all that was changed. */
        diff: z.string().nullable(),
        /** Where the copy is, or a clone that had to be left; null where there is none. */
        path: z.string().nullable(),
      })
      .nullable(),
    /** Paths of files and directories. */
    artifacts: z.array(z.string()),
  }),
  z.object({ type: z.literal('agent.ended'), agent, ...outcome, containerId, image: z.string().nullable() }),
  /** Written, and synced where the call changes anything, before docker is spawned. */
  z.object({
    type: z.literal('docker.call'),
    call: z.number(),
    agent: agent.nullable(),
    attempt: attempt.nullable(),
    argv: z.array(z.string()),
  }),
  z.object({
    type: z.literal('docker.result'),
    call: z.number(),
    ok: z.boolean(),
    exitCode: z.number().nullable(),
    /** Milliseconds. */
    ms: z.number(),
    interrupted: z.enum(['timeout', 'aborted', 'overflow']).nullable(),
    stderr: z.string(),
  }),
  /** The engine's own time of a start, milliseconds since the epoch: a container that has another one was restarted. */
  z.object({ type: z.literal('container.started'), containerId: id, startedAt: z.number() }),
  z.object({ type: z.literal('engine.unreachable'), message: z.string() }),
  z.object({ type: z.literal('engine.reachable') }),
  /** So many containers are created or started at once from now on; null: as many as ever. */
  z.object({
    type: z.literal('engine.throttled'),
    atOnce: z.number().int().min(1).nullable(),
    reason: z.string(),
  }),
  z.object({ type: z.literal('run.cancel'), reason: z.string() }),
  z.object({ type: z.literal('agent.cancel'), agent, reason: z.string() }),
  z.object({ type: z.literal('warning'), agent: agent.nullable(), message: z.string() }),
  z.object({ type: z.literal('run.ended'), status, exitCode: z.number() }),
] as const;

/**
 * The schema (zod) of an event of the journal; what is written of a run in `journal.jsonl` and by `run --events`.
 *
 * @example
 * ```ts
 * import { eventSchema } from 'agent-flow';
 *
 * const line = '{"v":1,"seq":9,"at":1767355200000,"type":"engine.reachable"}';
 * console.log(eventSchema.parse(JSON.parse(line)).type); // engine.reachable
 * ```
 */
export const eventSchema = z.discriminatedUnion('type', kinds).and(
  z.object({
    v: z.literal(1),
    seq: z.number().int(),
    at: z.number(),
    checksum: z
      .string()
      .regex(/^[0-9a-f]{8}$/)
      .exactOptional()
      .describe('CRC-32, in hex, of the line as it is without this.'),
  }),
);

/** An event before the journal has given it its place: what happened. */
export type RunEventBody = z.infer<(typeof kinds)[number]>;

/** An event of the journal. `at` is in milliseconds since the epoch; only `seq` orders. */
export type RunEvent = RunEventBody & {
  readonly v: 1;
  readonly seq: number;
  readonly at: number;
  readonly checksum?: string;
};
