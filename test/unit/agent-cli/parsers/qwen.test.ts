import test from 'ava';
import { qwen } from '../../../../src/providers/qwen.ts';
import { reported } from '../../_helpers/reported.ts';

const usage = (more: number) => ({
  input_tokens: 100 * more,
  output_tokens: 20 * more,
  cache_read_input_tokens: 40 * more,
});
const message = (id: string, part: object) => ({
  type: 'assistant',
  message: { id, content: [part], usage: usage(1) },
});
const result = (more: object) => ({ type: 'result', num_turns: 2, usage: usage(2), ...more });

test('qwen prints the events of claude, and its input tokens include the cached ones', t => {
  const { exit, printed, report } = reported(qwen, [
    { type: 'system', subtype: 'init' },
    message('1', { type: 'tool_use', name: 'run_shell_command', input: { command: 'ls' } }),
    { type: 'user', message: { content: [{ type: 'tool_result', content: 'a', is_error: false }] } },
    message('2', { type: 'text', text: 'Done.' }),
    result({ subtype: 'success', is_error: false, result: 'Done.' }),
  ]);
  t.deepEqual(exit, { code: 0 });
  t.is(printed, '● run_shell_command ls\n  ⎿ a\nDone.\n— 2 turns, 200 tokens in, 40 out\n');
  t.like(report?.usage, { turns: 2, inputTokens: 200, cachedInputTokens: 80, outputTokens: 40 });
});

test('the usage of qwen is known during a turn, and parts of a message count once', t => {
  const part = message('1', { type: 'text', text: 'a' });
  const { report, ended } = reported(qwen, [part, part], { budget: { outputTokens: 30 } });
  t.like(report?.usage, { turns: 1, inputTokens: 100, cachedInputTokens: 40, outputTokens: 20 });
  t.is(ended, 0);
  t.is(reported(qwen, [part, message('2', {})], { budget: { outputTokens: 30 } }).ended, 1);
});

test('a refused key and a missing kind of login of qwen are an authentication failure', t => {
  for (const text of ['[API Error: 401 Incorrect API key provided.]', 'No auth type is selected. Please …']) {
    const error = { subtype: 'error_during_execution', is_error: true, error: { message: text } };
    const { exit, report } = reported(qwen, [result(error)]);
    t.deepEqual(exit, { code: 1 });
    t.like(report?.failure, { kind: 'authentication', message: text });
  }
});
