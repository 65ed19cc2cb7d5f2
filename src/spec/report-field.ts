import * as z from 'zod';
import type { Report } from '../providers/report.ts';
import { wordsReport } from '../providers/words-report.ts';
import { eventRules } from './event-rules.ts';
import { expression } from './expression.ts';
import { pattern, patternWithGroup } from './pattern.ts';
import { expects, strict } from './schema-kit.ts';

const formats = '"jsonl", "words", "claude", "codex", "cline" or "qwen"';
const form = `an object with a "format": ${formats}`;
const modelForm = 'the name of a model';

const words = strict(
  {
    asks: pattern.nullable().default(null).describe('Printed when it begins to wait for a login.'),
    waits: patternWithGroup
      .nullable()
      .default(null)
      .describe('Printed when it begins to wait for its quota; the first group is the reason.'),
  },
  'an object with "asks" or "waits", or {}',
);

const fields = {
  login: pattern.default(wordsReport.login).describe('Regular expression for its messages without a login.'),
  quota: pattern
    .default(wordsReport.quota)
    .describe('Regular expression for its messages when the quota is exhausted.'),
  model: z
    .string({ error: expects(modelForm) })
    .min(1, { error: expects(modelForm) })
    .max(100, { error: 'expected at most 100 characters' })
    .exactOptional()
    .describe('The model that it uses by default, if its events do not name the model.'),
  words: words.exactOptional().describe('Read failures from lines that are not JSON, and from stderr.'),
};

const hints = { events: 'rules are for "format": "jsonl"' };

const jsonl = strict(
  {
    format: z.literal('jsonl').describe('A JSON value on each line.'),
    events: eventRules(expression).describe('Rules: all that apply to a line are applied, in this order.'),
    ...fields,
  },
  form,
  { usage: 'it is known from the rules' },
);

const code = strict(
  {
    format: z.enum(['claude', 'codex', 'cline', 'qwen']).describe('The CLI whose events it prints.'),
    ...fields,
    usage: z
      .literal(false, { error: expects('false') })
      .exactOptional()
      .describe('Its events contain no usage.'),
  },
  form,
  hints,
);

const plainText = strict(
  {
    format: z.literal('words').describe('Plain text.'),
    ...fields,
    words: words.default({ asks: null, waits: null }),
  },
  form,
  { ...hints, usage: 'plain text has none' },
);

/** It becomes an argument of a program, which Linux limits to twice as much. */
const maxBytes = 65_536;

/** The `report` of a provider. */
export const report = z
  .discriminatedUnion('format', [jsonl, plainText, code], {
    error: ({ input }) =>
      typeof input === 'object' && input !== null
        ? `expected a "format": ${formats}`
        : expects(form)({ input }),
  })
  .refine(value => Buffer.byteLength(JSON.stringify(value)) <= maxBytes, {
    error: 'expected at most 64 KiB',
  }) satisfies z.ZodType<Report>;
