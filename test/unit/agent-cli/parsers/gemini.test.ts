import test from 'ava';
import { gemini } from '../../../../src/providers/gemini.ts';
import { reported } from '../../_helpers/reported.ts';

test('the deltas of gemini are joined', t => {
  const { printed, report } = reported(gemini, [
    { type: 'message', role: 'user', content: 'not shown' },
    { type: 'message', role: 'assistant', content: 'Hel', delta: true },
    { type: 'message', role: 'assistant', content: 'lo.', delta: true },
    { type: 'result', status: 'success', stats: { input_tokens: 300, output_tokens: 60, cached: 120 } },
  ]);
  t.is(printed, 'Hello.\n— 300 tokens in, 60 out\n');
  t.deepEqual(report?.usage, {
    turns: null,
    inputTokens: 300,
    cachedInputTokens: 120,
    outputTokens: 60,
    costUsd: null,
  });
});

test('tools of gemini are shown, and marked if they failed', t => {
  const { printed } = reported(gemini, [
    { type: 'tool_use', tool_name: 'read_file', parameters: { path: 'a' } },
    { type: 'tool_result', status: 'success', output: 'text' },
    { type: 'tool_result', status: 'error', error: { message: 'no such file' } },
    { type: 'error', severity: 'warning', message: 'loop detected' },
  ]);
  t.is(printed, '● read_file a\n  ⎿ text\n  ⎿ failed: no such file\n! loop detected\n');
});

test('an error is classified by its type, or by its message', t => {
  const kind = (type: string, message = 'Reached max session turns for this session.') =>
    reported(gemini, [{ type: 'result', status: 'error', error: { type, message } }], {
      exit: { code: 53 },
    }).report?.failure?.kind;
  t.is(kind('FatalTurnLimitedError'), 'budget');
  t.is(kind('FatalAuthenticationError'), 'authentication');
  t.is(kind('Error'), undefined);
  t.is(kind('Error', 'API key not valid.'), 'authentication');
  t.is(kind('Error', 'You have exhausted your daily quota.'), 'quota');
});
