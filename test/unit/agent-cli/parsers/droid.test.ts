import test from 'ava';
import { droid } from '../../../../src/providers/droid.ts';
import { reported } from '../../_helpers/reported.ts';

const error = (source: string, message: string) => ({ type: 'error', source, message });
const completion = {
  type: 'completion',
  numTurns: 2,
  usage: {
    input_tokens: 120,
    output_tokens: 40,
    cache_read_input_tokens: 80,
    cache_creation_input_tokens: 0,
  },
};

test('messages and tools of droid are shown, and its usage is read at its end', t => {
  const { exit, printed, report } = reported(droid, [
    { type: 'system', subtype: 'init' },
    { type: 'message', role: 'user', text: 'Go' },
    { type: 'tool_call', toolName: 'Execute', parameters: { command: 'ls' } },
    { type: 'tool_result', isError: false, value: 'a\n\n\n[Process exited with code 0]' },
    { type: 'tool_result', isError: true, error: { type: 'tool_error', message: 'no' } },
    { type: 'message', role: 'assistant', text: 'Done.' },
    completion,
  ]);
  t.deepEqual(exit, { code: 0 });
  t.is(printed, '● Execute ls\n  ⎿ a (+3 lines)\n  ⎿ failed: no\nDone.\n— 2 turns, 200 tokens in, 40 out\n');
  t.deepEqual(report, {
    usage: { turns: 2, inputTokens: 200, cachedInputTokens: 80, outputTokens: 40, costUsd: null },
    failure: null,
  });
});

test('the first error of droid is its reason, and an error is a failure even if it exits with 0', t => {
  const { exit, report } = reported(droid, [
    error('agent_loop', '401 Incorrect API key provided.'),
    error('cli', 'Exec failed'),
  ]);
  t.deepEqual(exit, { code: 1 });
  t.like(report?.failure, { kind: 'authentication', message: '401 Incorrect API key provided.' });
  const words = 'Error: Authentication failed. Please log in using /login or set a valid FACTORY_API_KEY …';
  t.is(reported(droid, [error('cli', words)]).report?.failure?.kind, 'authentication');
  t.is(reported(droid, [error('agent_loop', '402 out of tokens')]).report?.failure?.kind, 'quota');
});

test('droid that completes after an error has recovered', t => {
  t.deepEqual(reported(droid, [error('agent_loop', '502'), completion]).exit, { code: 0 });
});
