import * as z from 'zod';
import { text } from './plan-values.ts';
import { insidePath } from './workspace-fields.ts';

/**
 * The end of an attempt that another one continues: a check that did not pass, an output that is to be corrected, an exhausted
 * quota, or another failure.
 */
export type ContinuedEnd = 'check' | 'output' | 'quota' | 'failure';

/** The way of an AI CLI to continue its conversation in the container of another attempt. */
export interface ConversationPlan {
  /** Files and folders with its conversations, relative to the home. */
  readonly files: readonly string[];
  /** Arguments that continue the latest one. */
  readonly args: readonly string[];
  /** Number of words of the command, those of the prompt, that follow these arguments. */
  readonly promptWords: number;
  /** Basic regular expression of lines to delete from the files. */
  readonly omit?: string;
  /** The ends after which the next attempt continues it. */
  readonly after: readonly ContinuedEnd[];
}

/** The schema of a plan that is read back from disk. */
export const conversationPlan = z.strictObject({
  files: z.array(insidePath).min(1),
  args: z.array(text),
  promptWords: z.int().min(0).max(2),
  omit: text.exactOptional(),
  after: z.array(z.enum(['check', 'output', 'quota', 'failure'])).min(1),
}) satisfies z.ZodType<ConversationPlan>;
