import test from 'ava';
import { pi } from '../../../../src/providers/pi.ts';
import { now, reported } from '../../_helpers/reported.ts';

const reply = (content: readonly object[], cost = 0, more: object = {}) => ({
  type: 'message_end',
  message: {
    role: 'assistant',
    content,
    usage: { input: 60, output: 20, cacheRead: 40, cacheWrite: 0, cost: { total: cost } },
    stopReason: 'stop',
    ...more,
  },
});
const failed = (errorMessage: string) => reply([], 0, { stopReason: 'error', errorMessage });
const call = { type: 'toolCall', name: 'bash', arguments: { command: 'ls' } };
const done = (text: string, isError = false) => ({
  type: 'tool_execution_end',
  result: { content: [{ type: 'text', text }] },
  isError,
});

test('messages and tools of pi are shown, and its usage is summed', t => {
  const { exit, printed, report } = reported(pi, [
    { type: 'session', version: 3, id: 'x' },
    { type: 'message_end', message: { role: 'user', content: [{ type: 'text', text: 'Go' }] } },
    reply([call], 0.001),
    { type: 'tool_execution_start', toolName: 'bash', args: { command: 'ls' } },
    { type: 'tool_execution_update', toolName: 'bash' },
    done('a\n'),
    done('no', true),
    reply([{ type: 'text', text: 'Done.' }], 0.002),
    { type: 'agent_end', messages: [] },
  ]);
  t.deepEqual(exit, { code: 0 });
  t.is(printed, '● bash ls\n  ⎿ a\n  ⎿ failed: no\nDone.\n— 2 turns, 200 tokens in, 40 out, $0.0030\n');
  t.deepEqual(report, {
    usage: { turns: 2, inputTokens: 200, cachedInputTokens: 80, outputTokens: 40, costUsd: 0.003 },
    failure: null,
  });
});

test('an error of pi is a failure although it exits with 0', t => {
  const key = reported(pi, [failed('401: {"message":"Incorrect API key provided."}'), { type: 'agent_end' }]);
  t.deepEqual(key.exit, { code: 1 });
  t.is(key.report?.failure?.kind, 'authentication');
  const limit = reported(pi, [failed('429: {"message":"Please try again in 300s."}')]);
  t.like(limit.report?.failure, { kind: 'quota', resetsAt: now + 300_000 });
  const odd = reported(pi, [failed('502: bad gateway')]);
  t.deepEqual([odd.exit, odd.report?.failure], [{ code: 1 }, null]);
  t.deepEqual(reported(pi, [reply([], 0, { stopReason: 'aborted' })]).exit, { code: 1 });
});

test('a retry of pi that succeeds clears its failure', t => {
  const { exit, report, printed } = reported(pi, [
    failed('429: {}'),
    { type: 'auto_retry_start', attempt: 1, delayMs: 2000 },
    reply([{ type: 'text', text: 'Done.' }]),
  ]);
  t.deepEqual([exit, report?.failure], [{ code: 0 }, null]);
  t.regex(printed, /✗ 429: \{\}\n! tries again in 2 s\nDone\.\n/);
});

test('pi without a key reports it in words', t => {
  const { report } = reported(pi, ['No API key found for stub.', '', 'Use /login to …'], {
    exit: { code: 1 },
  });
  t.is(report?.failure?.kind, 'authentication');
});
