import * as z from 'zod';
import { runIdPattern } from './names.ts';

/** Values that several events have. */

/** The usage that an AI CLI reports. */
const usage = z.object({
  turns: z.number().nullable(),
  inputTokens: z.number(),
  cachedInputTokens: z.number(),
  cacheWriteTokens: z.number().exactOptional(),
  outputTokens: z.number(),
  costUsd: z.number().nullable().describe('US dollars; null if it is not known.'),
  pricesDate: z
    .string()
    .exactOptional()
    .describe('The date of the prices that its cost was calculated with.'),
  unpricedModels: z
    .array(z.string())
    .exactOptional()
    .describe('Models without a known price, whose tokens are not in the cost.'),
});

/** The saved work of an attempt; null without a clone or copy, or if nothing was changed. */
export const savedWorkspace = z
  .object({
    /** Branch in the repository that was cloned; null if nothing was saved there. */
    branch: z.string().nullable(),
    commit: z.string().nullable(),
    refs: z.string().exactOptional().describe('Prefix of the refs with commits that are not on the branch.'),
    /** Path of a patch with all changes. */
    diff: z.string().nullable(),
    /** Path of the copy, or of a clone that could not be removed; null if there is none. */
    path: z.string().nullable(),
    /** Volume of the engine with a clone whose work could not be saved. */
    volume: z.string().exactOptional(),
  })
  .nullable();

/** The output of the last attempt, and what else an attempt reports at its end. */
export const attemptReport = {
  /** Path of the transcript; null if there is none. */
  transcript: z.string().nullable(),
  /** Whether Docker had already deleted the beginning of the output. */
  transcriptTruncated: z.boolean().exactOptional(),
  usage: usage.exactOptional(),
  screen: z.string().exactOptional().describe('The last screen of an interactive AI CLI.'),
  blockedHosts: z
    .array(z.string())
    .exactOptional()
    .describe('Hosts that the proxy of `network.allow` blocked, as `host:port`; sorted, at most 100.'),
};

/** The result of the check of an agent's work, which ends a round. */
export const checkResult = {
  round: z.number().int().min(1),
  rounds: z.number().int().min(1).describe('Maximum number of rounds.'),
  status: z.enum(['passed', 'failed', 'timedOut']),
  exitCode: z.number().nullable().describe('Exit code of the check; null if it was stopped at its limit.'),
  reason: z.string().nullable().describe('Why it did not pass, as text for people; null if it passed.'),
  ms: z.number().describe('Duration of the check in milliseconds.'),
  transcript: z.string().nullable().describe('Path of its output; null if there is none.'),
};

/** The decision on an approval. */
export const decisionFields = {
  decision: z.enum(['approved', 'rejected']),
  source: z
    .enum(['user', 'inspector', 'timeout', 'option'])
    .describe(
      'Who decided: a command of the user, the page of the inspector, the default after the timeout, or `run --yes`.',
    ),
  by: z
    .string()
    .nullable()
    .describe('The user of the process that requested it, as `name@host`; null for a timeout or option.'),
  reason: z.string().nullable(),
};

/** The outcome and the work of an agent that succeeded in an earlier run, as a rerun takes them over. */
export const reusedWork = z.strictObject({
  run: z.string().regex(runIdPattern).describe('The run in which it succeeded, which has its files.'),
  attempt: z.number().int().min(1).describe('Its last attempt there.'),
  exitCode: z.number().nullable(),
  image: z.string().nullable(),
  ...attemptReport,
  workspace: savedWorkspace,
  artifacts: z.array(z.string()).describe('Paths of files and directories in that run.'),
  check: z.object(checkResult).exactOptional().describe('The last check of its work.'),
  output: z.string().exactOptional().describe('Its output, as JSON.'),
  items: z.array(z.string()).exactOptional().describe('The items of an agent with `forEach`, each as JSON.'),
  decision: z
    .strictObject({ ...decisionFields, at: z.number().describe('Milliseconds since the epoch.') })
    .exactOptional()
    .describe('The decision on an approval.'),
});

export type ReusedWork = z.infer<typeof reusedWork>;
