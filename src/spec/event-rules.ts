import * as z from 'zod';
import type { EventRule } from '../providers/report.ts';
import { expects, strict } from './schema-kit.ts';

const maxRules = 100;
const rulesForm = `an array of at most ${maxRules} rules, such as [{"when": "type == 'message'", "text": "content"}]`;
const trueForm = 'true; leave it out otherwise';

const yes = z.literal(true, { error: expects(trueForm) });

/** The events of a report, whose expressions have this schema. */
export const eventRules = (expression: z.ZodType<string>) =>
  z
    .array(rule(expression), { error: expects(rulesForm) })
    .min(1, { error: expects(rulesForm) })
    .max(maxRules, { error: expects(rulesForm) }) satisfies z.ZodType<readonly EventRule[]>;

const rule = (expression: z.ZodType<string>) =>
  strict(
    {
      when: expression.exactOptional().describe('The rule applies if this is neither null, false nor empty.'),
      each: expression.exactOptional().describe('A list: the rule is applied to each of its elements.'),
      text: expression.exactOptional().describe('Text for people: a string, or a list of strings.'),
      chunk: expression.exactOptional().describe('A piece of a line for people.'),
      toolCall: toolCall(expression).exactOptional().describe('A call of a tool.'),
      toolResult: toolResult(expression).exactOptional().describe('The result of a tool.'),
      notice: expression.exactOptional().describe('A notice for people, such as of a retry.'),
      recovered: yes.exactOptional().describe('The CLI recovered from its last failure by itself.'),
      model: expression.exactOptional().describe('The name of the model of the tokens that follow.'),
      usageTotal: usage(expression).exactOptional().describe('Totals so far.'),
      usageDelta: usage(expression).exactOptional().describe('Amounts that are added to the totals.'),
      quotaReset: quotaReset(expression)
        .exactOptional()
        .describe('When the quota is available again, for the failure of this rule or of a later one.'),
      failure: failure(expression).exactOptional().describe('A failure of the CLI.'),
    },
    'a rule such as {"when": "type == \'message\'", "text": "content"}',
  ).refine(({ when: _when, each: _each, ...events }) => Object.keys(events).length > 0, {
    error: 'this reads no event; give it one, such as "text"',
  });

const toolCall = (expression: z.ZodType<string>) =>
  strict(
    {
      name: expression,
      input: expression.exactOptional().describe('An object, or a string with an object as JSON.'),
    },
    'an object with a "name"',
  );

const toolResult = (expression: z.ZodType<string>) =>
  strict({ text: expression, isError: expression.exactOptional() }, 'an object with a "text"');

const usage = (expression: z.ZodType<string>) =>
  strict(
    {
      turns: expression.exactOptional(),
      inputTokens: expression.exactOptional().describe('Cached tokens included.'),
      cachedInputTokens: expression.exactOptional(),
      cacheWriteTokens: expression.exactOptional(),
      outputTokens: expression.exactOptional(),
      costUsd: expression.exactOptional().describe('US dollars. 0 counts as unknown.'),
    },
    'an object such as {"inputTokens": "usage.input", "outputTokens": "usage.output"}',
  ).refine(counts => Object.keys(counts).length > 0, {
    error: 'this counts nothing; give it a field such as "outputTokens"',
  });

const quotaReset = (expression: z.ZodType<string>) =>
  z.union(
    [
      strict({ after: expression.describe('Seconds.') }, 'an object'),
      strict({ at: expression.describe('Seconds since the epoch, or a date as text.') }, 'an object'),
    ],
    {
      error: issue =>
        issue.code === 'invalid_union' && isOneField(issue.input)
          ? undefined
          : expects('an object with "after" or "at"')(issue),
    },
  );

const isOneField = (input: unknown) =>
  typeof input === 'object' && input !== null && /^(after|at)$/.test(Object.keys(input).join());

const failure = (expression: z.ZodType<string>) =>
  strict(
    {
      message: expression,
      status: expression
        .exactOptional()
        .describe('An HTTP status, which decides the kind: a number, or a string that begins with it.'),
      kinds: strict(
        {
          authentication: expression.exactOptional(),
          quota: expression.exactOptional(),
          budget: expression.exactOptional(),
        },
        'an object with conditions by kind',
      )
        .exactOptional()
        .describe('Conditions: the first one that applies decides the kind.'),
      final: yes.exactOptional().describe('End the CLI: it would retry, or wait for input.'),
      firstOnly: yes.exactOptional().describe('Ignore it after another failure.'),
    },
    'an object with a "message"',
  );
