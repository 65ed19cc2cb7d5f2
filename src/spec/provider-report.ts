import * as z from 'zod';
import type { Report } from '../providers/provider.ts';
import { text } from './fields.ts';
import { regex } from './provider-values.ts';
import { expects, strict } from './schema-kit.ts';

const formats = z.enum(
  ['claude', 'codex', 'gemini', 'opencode', 'copilot', 'cline', 'qwen', 'pi', 'kimi', 'droid', 'words'],
  { error: expects('the name of a format') },
);

export const providerReport = strict(
  {
    format: formats.describe('The CLI whose events it prints, or `words` for text.'),
    login: regex.describe('Matches its messages without a login.'),
    quota: regex.describe('Matches its messages when the quota is exhausted.'),
    model: text.exactOptional().describe('The model that it uses by default, if its events do not name it.'),
    usage: z.literal(false).exactOptional().describe('It does not report its usage.'),
    words: strict(
      {
        asks: regex.nullable().describe('Printed when it begins to wait for a login.'),
        waits: regex
          .nullable()
          .describe('Printed when it begins to wait for its quota; the first group is the reason.'),
      },
      'an object with "asks" and "waits"',
    )
      .exactOptional()
      .describe('Failures that it prints as text.'),
  },
  'an object with "format"',
) satisfies z.ZodType<Report>;
