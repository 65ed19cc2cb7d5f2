import * as z from 'zod';
import { askedApproval } from './spec/approval-plan.ts';
import { controlPlan } from './spec/control-plan.ts';
import {
  attemptReport,
  checkResult,
  decisionFields,
  reusedWork,
  savedWorkspace,
} from './spec/event-values.ts';
import { askedForEach } from './spec/for-each-plan.ts';
import { agentName, contextName, runIdPattern } from './spec/names.ts';
import { isReference } from './spec/reference.ts';

export { decisionFields };

/**
 * The events of a run. Each is a line of the journal, and every view is a reducer over them: progress, results, `ps`,
 * replay.
 */

const status = z.enum(['succeeded', 'failed', 'timedOut', 'cancelled', 'skipped']);
const failure = z.object({
  phase: z.string(),
  kind: z.string(),
  message: z.string(),
  command: z.string().optional(),
  exitCode: z.number().optional(),
  correctable: z
    .literal(true)
    .optional()
    .describe('The next attempt corrects the output of this one, which uses up no retry.'),
  until: z.number().optional().describe('When an exhausted quota resets, in milliseconds since the epoch.'),
});
const outcome = { status, exitCode: z.number().nullable(), error: failure.nullable() };
/** Names become components of paths. */
const agent = z.string().regex(agentName);
const attempt = z.number().int().min(1);
/** The pattern excludes everything that docker would read as an option. */
const id = z.string().regex(/^[A-Za-z0-9][\w.-]*$/);
const containerId = id.nullable();
/** The docker context by which agents are placed on an engine; without it, the event is about the engine of the run. */
const host = z.string().regex(contextName).exactOptional();

const kinds = [
  z.object({
    type: z.literal('run.started'),
    runId: z.string().regex(runIdPattern),
    name: z.string(),
    version: z.string(),
    pid: z.number(),
    host: z.string(),
    concurrency: z.number(),
    maxUsd: z.number().exactOptional().describe('The budget of the run in US dollars.'),
    agents: z.array(
      z.object({
        name: agent,
        dependsOn: z.array(agent),
        ...controlPlan,
        retries: z.number(),
        host,
        approve: askedApproval.exactOptional(),
        forEach: askedForEach
          .exactOptional()
          .describe('The list of which each item gets an agent: one of those with this agent in `item`.'),
        rounds: z
          .number()
          .int()
          .min(1)
          .exactOptional()
          .describe('Maximum number of rounds; absent for an agent without a check.'),
        reused: reusedWork
          .exactOptional()
          .describe('Its outcome and work, which this rerun takes over: it is not started.'),
      }),
    ),
    rerunOf: z.string().regex(runIdPattern).exactOptional().describe('The run that this one repeats.'),
  }),
  /** An agent entered a state, such as `running.working`; `event` caused the transition. */
  z.object({
    type: z.literal('agent.state'),
    agent,
    attempt,
    state: z.string(),
    event: z.string(),
    containerId,
    /** Milliseconds since the epoch. */
    injectedAt: z.number().nullable(),
    /** The failure that caused the transition; null if none did. */
    cause: z.string().nullable(),
    /** When a waiting state ends, in milliseconds since the epoch. */
    until: z.number().nullable(),
  }),
  /** The scheduler has placed an attempt on a host: journaled before anything is created there. */
  z.object({ type: z.literal('agent.placed'), agent, attempt, host: z.string().regex(contextName) }),
  /**
   * The part of the budget of the run that an attempt may use, in US dollars: journaled before its AI CLI is started. The
   * first one of an attempt counts.
   */
  z.object({ type: z.literal('attempt.budget'), agent, attempt, usd: z.number() }),
  /** The outcome of an attempt, journaled before its container is removed. The first one of an attempt counts. */
  z.object({
    type: z.literal('attempt.ended'),
    agent,
    attempt,
    ...outcome,
    containerId,
    image: z.string().nullable(),
    ...attemptReport,
  }),
  /** The saved work of an attempt: journaled once it is on disk, before the clone is removed. */
  z.object({
    type: z.literal('workspace.saved'),
    agent,
    attempt,
    workspace: savedWorkspace,
    /** Paths of files and directories. */
    artifacts: z.array(z.string()),
  }),
  /** The result of the check on the work of an attempt, journaled before it has consequences. The first one of an attempt counts. */
  z.object({
    type: z.literal('check.ended'),
    agent,
    attempt,
    ...checkResult,
  }),
  /** Whether the conversation of an attempt was kept for the next one. The first one of an attempt counts. */
  z.object({
    type: z.literal('conversation.kept'),
    agent,
    attempt,
    problem: z.string().nullable().describe('Why it was not, as text for people; null if it was.'),
  }),
  /** The attempt continues the conversation of an earlier one: journaled before its AI CLI is started. The first one counts. */
  z.object({
    type: z.literal('conversation.continued'),
    agent,
    attempt,
    of: attempt.describe('The earlier attempt.'),
    problem: z
      .string()
      .nullable()
      .describe('Why it begins a new one, as text for people; null if it does not.'),
  }),
  /** The result of the condition of an agent, journaled before the agent starts or ends. The first one counts. */
  z.object({
    type: z.literal('agent.condition'),
    agent,
    holds: z.boolean().nullable().describe('null: it could not be evaluated.'),
    reason: z.string(),
  }),
  /** The valid output of an attempt that has exited with 0, journaled before its outcome. The first one of an attempt counts. */
  z.object({
    type: z.literal('agent.output'),
    agent,
    attempt,
    json: z.string().describe('The value as JSON, in ASCII.'),
  }),
  /**
   * The items of an agent with `forEach`, journaled before an agent for one of them starts: those that `run.started` has for
   * the first positions come into being, one for each item. The first ones count.
   */
  z.object({
    type: z.literal('agent.expanded'),
    agent,
    items: z.array(z.string()).describe('Each as JSON, in ASCII.'),
  }),
  /** The values of other agents that an agent reads, journaled before it starts. The first ones count. */
  z.object({
    type: z.literal('agent.inputs'),
    agent,
    values: z
      .record(z.string().refine(isReference), z.string())
      .describe('Each as JSON, in ASCII, by its reference: `agents.plan.output.title` or `item.title`.'),
  }),
  /** An approval waits for a decision, until its default applies. The first one counts. */
  z.object({
    type: z.literal('approval.requested'),
    agent,
    until: z.number().describe('Milliseconds since the epoch.'),
  }),
  /** The decision on an approval, journaled before anything follows from it. The first one counts. */
  z.object({
    type: z.literal('approval.decided'),
    agent,
    ...decisionFields,
  }),
  z.object({ type: z.literal('agent.ended'), agent, ...outcome, containerId, image: z.string().nullable() }),
  /** Written before docker is spawned, and synced if the call changes anything. */
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
  /** When the engine started a container, in milliseconds since the epoch: a restarted container has another time. */
  z.object({ type: z.literal('container.started'), containerId: id, startedAt: z.number() }),
  z.object({ type: z.literal('engine.unreachable'), host, message: z.string() }),
  z.object({ type: z.literal('engine.reachable'), host }),
  /** The new limit of containers that are created or started at once; null for the default limit. */
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
 * The zod schema of an event, as written to `journal.jsonl` and by `run --events`. Times are in milliseconds since the
 * epoch. `parse` throws a `ZodError` for anything else.
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
      .describe('CRC-32, in hex, of the line without this field.'),
  }),
);

/** An event before the journal numbers it. */
export type RunEventBody = z.infer<(typeof kinds)[number]>;

/**
 * An event of the journal. `at` is in milliseconds since the epoch and may go backwards with the clock of the host; `seq`
 * gives the order.
 */
export type RunEvent = RunEventBody & {
  readonly v: 1;
  readonly seq: number;
  readonly at: number;
  readonly checksum?: string;
};
