import * as z from 'zod';
import { plainText } from '../text/text.ts';
import { titleIn } from './end-record.ts';

const count = z.int().nonnegative();
/** The last moment that a `Date` can hold. */
const latest = 8.64e15;

const schema = z.object({
  usage: z
    .object({
      turns: count.nullable(),
      inputTokens: count,
      cachedInputTokens: count,
      outputTokens: count,
      costUsd: z.number().nonnegative().max(1e9).nullable(),
    })
    .nullable(),
  trouble: z
    .object({
      kind: z.enum(['authentication', 'quota', 'budget', 'needsInput']),
      message: z.string().transform(plainText),
      resetsAt: z.number().nonnegative().max(latest).nullable(),
    })
    .nullable(),
});

/** What an AI CLI has said of itself, as `agent-report` has kept it. It is the agent's word, and no more. */
export type AgentReport = z.output<typeof schema>;

/** The report at the end of a transcript; null where there is none that can be read. */
export function reportIn(transcript: string, nonce: string): AgentReport | null {
  const text = titleIn(transcript, 'report', nonce);
  if (text === null) return null;
  try {
    return schema.parse(JSON.parse(text.toString('utf8')));
  } catch {
    return null;
  }
}
