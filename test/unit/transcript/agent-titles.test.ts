import test from 'ava';
import { reportIn } from '../../../src/transcript/agent-report.ts';
import { titleIn } from '../../../src/transcript/end-record.ts';
import { screenIn } from '../../../src/transcript/last-screen.ts';
import { priced } from '../../../src/transcript/priced-usage.ts';

/** Return a title that an agent forges with the nonce from the environment of PID 1. */
const title = (name: string, text: string) =>
  `output\x1b]2;agent-${name}-n0nce-${Buffer.from(text).toString('base64')}\x07\n`;
const hostile = '\x1b]0;pwned\x07\x1b[2Jnothing \u202ehappened\x9b31m\x7f here\n\tgo \u2066on\r\n';

const report = (message: string) =>
  JSON.stringify({ usage: null, failure: { kind: 'quota', message, resetsAt: null } });

test('a forged screen is plain text', t => {
  const transcript = title('screen', hostile);
  t.is(screenIn(transcript, 'n0nce'), 'nothing happened here\n\tgo on');
  // Control: the decoder receives the hostile bytes.
  t.is(titleIn(transcript, 'screen', 'n0nce')!.toString(), hostile);
});

test('the message of a forged report is plain text', t => {
  const transcript = title('report', report(hostile));
  t.is(reportIn(transcript, 'n0nce')!.failure!.message, 'nothing happened here\n\tgo on\n');
  t.is(JSON.parse(titleIn(transcript, 'report', 'n0nce')!.toString()).failure.message, hostile);
});

test('an invalid forged report is ignored', t => {
  for (const text of [
    '',
    '{',
    '[]',
    '{"usage":1}',
    report('x').replace('quota', '__proto__'),
    report('x').replace('null}}', '1e300}}'),
    report('x').replace('null}}', '-1}}'),
  ])
    t.is(reportIn(title('report', text), 'n0nce'), null, text);
});

test('names of models in a forged report are plain text, few, and none of a prototype', t => {
  const tokens = { inputTokens: 1, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 1 };
  const usage = { turns: 1, inputTokens: 1, cachedInputTokens: 0, outputTokens: 1, costUsd: null };
  const used = (models: object) =>
    title('report', JSON.stringify({ usage: { ...usage, models }, failure: null }));
  const found = reportIn(used({ [hostile]: tokens }), 'n0nce')!.usage!;
  t.deepEqual(Object.keys(found.models!), ['nothing happened here\n\tgo on\n']);
  t.deepEqual(priced(found)?.unpricedModels, ['nothing happened here\n\tgo on\n']);
  const prototype = JSON.parse(
    `{"__proto__":${JSON.stringify(tokens)},"constructor":${JSON.stringify(tokens)}}`,
  );
  t.is(priced(reportIn(used(prototype), 'n0nce')!.usage)?.costUsd, null);
  t.is(Object.getPrototypeOf({}), Object.prototype);
  const many = Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`m${index}`, tokens]));
  t.is(reportIn(used(many), 'n0nce'), null);
  // It may lie about its tokens, but not below zero.
  const negative = { 'gpt-5.4': { ...tokens, outputTokens: -1e9 } };
  t.true(priced(reportIn(used(negative), 'n0nce')!.usage)!.costUsd! >= 0);
});
