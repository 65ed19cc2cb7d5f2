import * as z from 'zod';
import { type AgentReport, failureKinds } from '../agent-cli/report.ts';
import { plainText } from '../text/text.ts';
import { titleIn } from './end-record.ts';

export type { AgentReport };

const count = z.int().nonnegative();
const maxModels = 20;
const modelTokens = z.object({
  inputTokens: z.int(),
  cachedInputTokens: z.int(),
  cacheWriteTokens: z.int(),
  outputTokens: z.int(),
});
/** The last moment that a `Date` can hold. */
const latest = 8.64e15;

/** The usage of an AI CLI as JSON. */
export const usageSchema = z.object({
  turns: count.nullable(),
  inputTokens: count,
  cachedInputTokens: count,
  outputTokens: count,
  cacheWriteTokens: count.exactOptional(),
  costUsd: z.number().nonnegative().max(1e9).nullable(),
  models: z
    .record(z.string().max(200).transform(plainText), modelTokens)
    .refine(models => Object.keys(models).length <= maxModels)
    .exactOptional(),
});

const schema = z.object({
  usage: usageSchema.nullable(),
  failure: z
    .object({
      kind: z.enum(failureKinds),
      message: z.string().transform(plainText),
      resetsAt: z.number().nonnegative().max(latest).nullable(),
    })
    .nullable(),
}) satisfies z.ZodType<AgentReport>;

/** Return the report at the end of a transcript; null if there is none that can be read. An agent may have forged it. */
export function reportIn(transcript: string, nonce: string): AgentReport | null {
  const text = titleIn(transcript, 'report', nonce);
  if (text === null) return null;
  try {
    return schema.parse(JSON.parse(text.toString('utf8')));
  } catch {
    return null;
  }
}
