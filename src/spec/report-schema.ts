import * as z from 'zod';
import { eventRules } from './event-rules.ts';
import { count, ms, text, usd } from './plan-values.ts';

/** The configuration of an output's parser in a plan that is read back from disk. */
export const report = z.strictObject({
  format: text,
  events: eventRules(text).exactOptional(),
  login: text,
  quota: text,
  usage: z.literal(false).exactOptional(),
  words: z.strictObject({ asks: text.nullable(), waits: text.nullable() }).exactOptional(),
  model: text.exactOptional(),
  budget: z
    .strictObject({
      turns: count.exactOptional(),
      outputTokens: count.exactOptional(),
      wall: ms.exactOptional(),
      usd: usd.exactOptional(),
      isShare: z.literal(true).exactOptional(),
    })
    .exactOptional(),
  baseline: z
    .strictObject({
      inputTokens: z.int().min(0),
      cachedInputTokens: z.int().min(0),
      cacheWriteTokens: z.int().min(0).exactOptional(),
      outputTokens: z.int().min(0),
      costUsd: z.number().min(0).nullable(),
    })
    .exactOptional(),
});
