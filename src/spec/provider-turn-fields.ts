import * as z from 'zod';
import type { CheckSetup, Conversation, OutputSchema } from '../providers/provider.ts';
import { text } from './fields.ts';
import { env, homePath, json, texts } from './provider-values.ts';
import { expects, strict } from './schema-kit.ts';

/** Fields of a provider for further turns, for values, and for its check. Each accepts what it returns. */

export const conversation = strict(
  {
    files: z
      .array(homePath)
      .min(1, { error: expects('at least one path') })
      .describe('Files and directories of its home with its conversations, and without a login.'),
    args: texts.describe('Arguments that continue the latest conversation, after all but the prompt.'),
    omit: text
      .min(1)
      .exactOptional()
      .describe('Basic regular expression, as of `sed`, of lines to delete from the files before.'),
  },
  'an object with "files" and "args"',
) satisfies z.ZodType<Conversation>;

export const outputSchema = strict(
  {
    flag: text.min(1).describe('The option.'),
    takes: z
      .enum(['text', 'file'], { error: expects('"text" or "file"') })
      .describe('Whether the option takes the schema itself, or the path of a file with it.'),
    field: text
      .nullable()
      .describe('The field of its last JSON event with the value; null if its last message is the value.'),
  },
  'an object with "flag", "takes" and "field"',
) satisfies z.ZodType<OutputSchema>;

export const check = strict(
  {
    api: z
      .enum(['anthropic', 'openai', 'chat', 'gemini'], {
        error: expects('"anthropic", "openai", "chat" or "gemini"'),
      })
      .describe(
        "The API that it calls: Anthropic's Messages, OpenAI's Responses or chat completions, or Gemini's.",
      ),
    env: env.describe(
      'Variables of the caller; `$URL` is replaced by the address of the stub, `$KEY` by a key.',
    ),
    files: z
      .record(homePath, json)
      .exactOptional()
      .describe("JSON files of the caller's home, with the same replacements."),
    model: text.min(1).exactOptional().describe('The model. Default: that of the CLI.'),
  },
  'an object with "api" and "env"',
) satisfies z.ZodType<CheckSetup>;
