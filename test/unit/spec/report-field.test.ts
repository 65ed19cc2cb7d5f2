import test from 'ava';
import { wordsReport } from '../../../src/providers/words-report.ts';
import { report } from '../../../src/spec/report-field.ts';
import { report as reportPlan } from '../../../src/spec/report-schema.ts';
import { parse, problems } from '../_helpers/spec.ts';

const rule = { when: "type == 'message'", text: 'content' };

/** Return the path and the message of the first problem of a report. */
function problem(value: unknown): string | null {
  const issue = report.safeParse(value).error?.issues[0];
  return issue === undefined ? null : `${issue.path.join('.')}: ${issue.message}`;
}
const ofRule = (fields: object) => problem({ format: 'jsonl', events: [fields] });

test('a report has the patterns of common APIs by default', t => {
  const { login, quota, words } = wordsReport;
  const events = [rule];
  t.deepEqual(report.parse({ format: 'jsonl', events }), { format: 'jsonl', events, login, quota });
  t.deepEqual(report.parse({ format: 'words' }), { format: 'words', login, quota, words });
  t.deepEqual(report.parse({ format: 'claude', words: { asks: 'log in' }, usage: false }), {
    format: 'claude',
    login,
    quota,
    words: { asks: 'log in', waits: null },
    usage: false,
  });
});

test('a format is one of those that agent-report reads', t => {
  const formats = '"jsonl", "words", "claude", "codex", "cline" or "qwen"';
  t.is(problem({ format: 'xml' }), `format: expected a "format": ${formats}`);
  t.is(problem({}), `format: expected a "format": ${formats}`);
  t.is(problem('claude'), `: expected an object with a "format": ${formats}`);
  t.is(problem({ format: 'claude', events: [rule] }), ': unknown key; rules are for "format": "jsonl"');
});

test('a report with rules reports its usage if they count tokens', t => {
  t.is(
    problem({ format: 'jsonl', events: [rule], usage: false }),
    ': unknown key; it is known from the rules',
  );
});

test('rules are refused with the path of what is wrong', t => {
  t.is(
    ofRule({ ...rule, when: 'a b' }),
    'events.0.when: is not a valid JMESPath expression: unexpected "b" at character 3',
  );
  t.is(
    ofRule({ toolCall: { name: 'no(a)' } }),
    'events.0.toolCall.name: there is no function "no" in JMESPath',
  );
  t.is(
    ofRule({ toolCall: { input: 'a' } }),
    'events.0.toolCall.name: missing; expected a JMESPath expression, such as "message.content"',
  );
  t.is(
    ofRule({ failure: { message: 'a', kinds: { other: 'b' } } })?.split('; ')[0],
    'events.0.failure.kinds: unknown key',
  );
  t.is(
    ofRule({ failure: { message: 'a', final: false } }),
    'events.0.failure.final: expected true; leave it out otherwise',
  );
  t.is(ofRule({ when: 'a' }), 'events.0: this reads no event; give it one, such as "text"');
  t.is(
    ofRule({ usageDelta: {} }),
    'events.0.usageDelta: this counts nothing; give it a field such as "outputTokens"',
  );
  t.is(ofRule({ quotaReset: {} }), 'events.0.quotaReset: expected an object with "after" or "at"');
  t.is(
    ofRule({ quotaReset: { after: 'a', at: 'b' } }),
    'events.0.quotaReset: expected an object with "after" or "at"',
  );
  t.is(ofRule({ txt: 'a' }), 'events.0: unknown key; did you mean "text"?');
});

test('the number and the size of rules are limited', t => {
  t.regex(problem({ format: 'jsonl', events: [] })!, /^events: expected an array of at most 100 rules/);
  t.regex(
    problem({ format: 'jsonl', events: Array(101).fill(rule) })!,
    /^events: expected an array of at most 100/,
  );
  const long = { text: `'${'x'.repeat(990)}'` };
  t.is(problem({ format: 'jsonl', events: Array(90).fill(long) }), ': expected at most 64 KiB');
});

test('a regular expression is one of JavaScript', t => {
  const invalid = (field: object) => problem({ format: 'words', ...field });
  t.is(
    invalid({ login: '(' }),
    'login: expected a regular expression of JavaScript, without slashes and flags: Unterminated group',
  );
  t.is(invalid({ quota: '' }), 'quota: expected a regular expression that is not empty');
  t.is(
    invalid({ words: { asks: '[' } }),
    'words.asks: expected a regular expression of JavaScript, without slashes and flags: Unterminated character class',
  );
  t.is(
    invalid({ words: { waits: 'rate limit' } }),
    'words.waits: expected a group, such as "(rate limit.*)"',
  );
  t.is(invalid({ words: { waits: '(rate limit)' } }), null);
});

test('a report that was read from disk is not evaluated', t => {
  const plan = { format: 'jsonl', login: 'a', quota: 'b', events: [rule] };
  t.deepEqual(reportPlan.parse(plan), plan);
  t.false(reportPlan.safeParse({ ...plan, events: [{ when: 'a' }] }).success);
});

const flowWith = (events: readonly object[], agent: object = {}) => ({
  providers: {
    mine: {
      install: { npm: 'mine', version: '1.0.0' },
      headless: { args: [], prompt: 'last' },
      report: { format: 'jsonl', events },
    },
  },
  agents: { a: { provider: 'mine', prompt: 'Go', auth: { login: 'off' }, ...agent } },
});

test('the rules of a provider in a spec reach the program that applies them', async t => {
  const { login, quota } = wordsReport;
  const counting = { ...rule, usageTotal: { outputTokens: 'out' } };
  const plan = async (events: readonly object[], agent = {}) =>
    (await parse(flowWith(events, agent))).agents[0]!;
  t.deepEqual((await plan([rule])).report, { format: 'jsonl', events: [rule], login, quota, usage: false });
  t.deepEqual((await plan([counting], { budget: { outputTokens: 5 } })).report, {
    ...{ format: 'jsonl', events: [counting], login, quota, budget: { outputTokens: 5 } },
  });
});

test('a mistake in a rule is a problem of the spec', async t => {
  t.deepEqual(await problems(flowWith([rule, { each: "type = 'x'", text: 'a..b' }])), [
    'providers.mine.report.events[1].each: "type = \'x\'": expected "==" in place of "="',
    'providers.mine.report.events[1].text: "a..b": is not a valid JMESPath expression: unexpected "." at character 3',
  ]);
  t.deepEqual(await problems(flowWith([rule], { budget: { turns: 5 } })), [
    'agents.a.budget.turns: mine does not report its turns',
  ]);
});
