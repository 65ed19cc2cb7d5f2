import test from 'ava';
import type { EventRule } from '../../../../src/providers/report.ts';
import { report } from '../../../../src/spec/report-field.ts';
import { now, reported } from '../../_helpers/reported.ts';

/** Report on a CLI whose events are read by these rules. */
const read = (events: readonly EventRule[], lines: readonly unknown[], more = {}) =>
  reported({ report: report.parse({ format: 'jsonl', events, words: {} }) }, lines, more);

test('all rules that apply to a line are applied in their order', t => {
  const { printed } = read(
    [
      { when: "type == 'a'", text: 'first' },
      { text: 'second' },
      { when: "type == 'b'", text: 'first' },
      { notice: 'third', text: 'first' },
    ],
    [{ type: 'a', first: '1', second: '2', third: '3' }, { type: 'c' }, 'plain text'],
  );
  t.is(printed, '1\n2\n1\n! 3\nplain text\n');
});

test('a rule is applied to each element of a list', t => {
  const rules = [
    { each: 'parts[?type == `"text"`]', text: 'text' },
    { each: 'parts[?name]', toolCall: { name: 'name', input: 'input' } },
  ];
  const parts = [
    { type: 'text', text: 'a' },
    { name: 'Bash', input: '{"command":"ls"}' },
    { type: 'text', text: 'b' },
  ];
  t.is(read(rules, [{ parts }, { parts: 'text' }]).printed, 'a\nb\n● Bash ls\n');
});

test('a line of chunks ends before other output, and at the end', t => {
  const rules = [
    { chunk: 'delta' },
    { toolCall: { name: 'tool' } },
    { recovered: true as const, when: 'done' },
  ];
  const { printed } = read(rules, [
    { delta: 'Hel' },
    { done: true },
    { delta: 'lo.' },
    { tool: 'ls' },
    { delta: 'A line.\n' },
    { tool: 'ls' },
    { delta: 'The end' },
  ]);
  t.is(printed, 'Hello.\n● ls {}\nA line.\n● ls {}\nThe end\n');
});

const total = {
  usageTotal: { turns: 'turns', inputTokens: '[new, cached]', outputTokens: 'out', costUsd: 'usd' },
};
const delta = { usageDelta: { ...total.usageTotal, turns: '`1`' } };

test('totals replace the earlier ones, and amounts are added up', t => {
  const lines = [
    { turns: 1, new: 60, cached: 40, out: 20, usd: 0.25 },
    { turns: 2, new: 10, out: 5, usd: 0.5 },
    { turns: '3', new: -1, cached: null, out: 'many', usd: 0 },
  ];
  t.deepEqual(read([total], lines).report?.usage, {
    ...{ turns: 2, inputTokens: 10, cachedInputTokens: 0, outputTokens: 5, costUsd: 0.5 },
  });
  t.deepEqual(read([delta], lines).report?.usage, {
    ...{ turns: 3, inputTokens: 110, cachedInputTokens: 0, outputTokens: 25, costUsd: 0.75 },
  });
});

test('a budget is enforced by what the rules count', t => {
  const { ended, exit, report } = read([delta], [{ out: 20 }, { out: 40 }], { budget: { outputTokens: 50 } });
  t.deepEqual([ended, exit, report?.failure?.kind], [1, { code: 1 }, 'budget']);
});

test('tokens are those of the model that was named before', t => {
  const { report } = read(
    [{ model: 'model' }, delta],
    [
      { model: 'a', out: 1 },
      { model: 'b', out: 2 },
    ],
  );
  t.deepEqual(
    Object.entries(report!.usage!.models!).map(([model, { outputTokens }]) => [model, outputTokens]),
    [
      ['a', 1],
      ['b', 2],
    ],
  );
});

test('a CLI whose rules count no tokens reports no usage', t => {
  const { report } = read([{ usageDelta: { turns: '`1`' } }], [{}]);
  t.deepEqual(report, { usage: null, failure: null });
});

test('the kind of a failure is a condition, its status, or a pattern', t => {
  const rules = [
    {
      failure: {
        message: 'message',
        status: 'status || message',
        kinds: { authentication: "code == 'auth'", quota: "code == 'quota'", budget: "code == 'limit'" },
      },
    },
  ];
  const kind = (line: object) => {
    const { exit, report } = read(rules, [line]);
    t.deepEqual(exit, { code: 1 });
    return report?.failure?.kind;
  };
  t.is(kind({ code: 'limit', status: 401 }), 'budget');
  t.is(kind({ status: 403 }), 'authentication');
  t.is(kind({ status: '429' }), 'quota');
  t.is(kind({ message: '402: buy more' }), 'quota');
  t.is(kind({ message: 'You are not logged in', status: 500 }), 'authentication');
  t.is(kind({ message: 'bad gateway', status: 502 }), undefined);
  t.is(read(rules, [{}]).printed, '✗ it reports an error without a message\n');
});

test('a failure ends the CLI, is ignored after another one, or is cleared', t => {
  const message = 'message';
  const final = read([{ failure: { message, final: true } }], [{ message: '401' }]);
  t.deepEqual([final.ended, final.exit], [1, { code: 1 }]);
  const first = read([{ failure: { message, firstOnly: true } }], [{ message: 'a' }, { message: 'b' }]);
  t.is(first.printed, '✗ a\n');
  const rules = [
    { when: message, failure: { message } },
    { when: 'done', recovered: true as const },
  ];
  t.deepEqual(read(rules, [{ message: 'a' }, { done: true }]).exit, { code: 0 });
});

test('a quota is reset after some seconds, or at a time', t => {
  const resetsAt = (quotaReset: NonNullable<EventRule['quotaReset']>, reset: unknown) =>
    read([{ quotaReset, failure: { message: "'429'", status: '`429`' } }], [{ reset }]).report?.failure
      ?.resetsAt;
  t.is(resetsAt({ after: 'reset' }, 90), now + 90_000);
  t.is(resetsAt({ after: 'reset' }, '1.5'), now + 1500);
  t.is(resetsAt({ after: 'reset / `1000`' }, 1500), now + 1500);
  t.is(resetsAt({ at: 'reset' }, 1_795_570_770), 1_795_570_770_000);
  t.is(resetsAt({ at: 'reset' }, '2026-11-25T13:40:00Z'), Date.UTC(2026, 10, 25, 13, 40));
  for (const unusable of [null, 'soon', '', -1, 1e300, [], {}]) {
    t.is(resetsAt({ after: 'reset' }, unusable), null);
    t.is(resetsAt({ at: 'reset' }, unusable), null);
  }
});

test('an expression that fails for a line yields nothing', t => {
  const rules = [
    { when: 'length(a) > `0`', text: "'applied'" },
    { notice: "join('', [a, 'x'])" },
    { usageDelta: { turns: 'a / b' } },
    { text: 'b' },
  ];
  t.is(read(rules, [{ a: 1, b: 'still read' }]).printed, 'still read\n');
});

const every: EventRule = {
  each: '[@, @.a][]',
  text: 'to_string(@)',
  chunk: 'a',
  toolCall: { name: "'tool'", input: '@' },
  toolResult: { text: 'a[].b', isError: 'a == b' },
  notice: 'a.b || to_string(@)',
  model: 'a',
  usageDelta: { turns: 'a', inputTokens: 'a[]', costUsd: 'a' },
  quotaReset: { at: 'a' },
  failure: { message: 'to_string(a)', status: 'a', kinds: { quota: 'a == b' } },
};

test('lines of any shape and size are read without an error', t => {
  for (const line of [
    `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`,
    `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)},"b":${'['.repeat(200_000)}${']'.repeat(200_000)}}`,
    JSON.stringify({ a: 'x'.repeat(2 ** 20) }),
    JSON.stringify({ a: Array.from({ length: 100_000 }, (_, b) => ({ b: String(b) })) }),
    '{"__proto__":{"a":"polluted"},"constructor":{"prototype":{"a":1}}}',
    '[]',
    '[{"a":1e308},{"a":-1}]',
  ])
    t.notThrows(() => read([every], [line]), line.slice(0, 40));
  t.false('a' in {});
});

test('the values of a list are limited, and a line of more than 16 MiB is not read', t => {
  const a = Array.from({ length: 5000 }, () => 'x');
  t.is(read([{ text: 'a' }], [{ a }]).printed.length, 2000);
  t.is(read([{ each: 'a', text: '@' }], [{ a }]).printed.length, 2000);
  t.is(
    read([{ text: 'a' }], [{ a: 'x'.repeat(2 ** 24) }]).printed,
    '! a line of more than 16 MiB is not read\n',
  );
});
