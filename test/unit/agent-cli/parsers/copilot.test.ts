import test from 'ava';
import { copilot } from '../../../../src/providers/copilot.ts';
import { reported } from '../../_helpers/reported.ts';

test('messages and tools of copilot are shown, and it reports no tokens', t => {
  const { exit, printed, report } = reported(copilot, [
    { type: 'session.tools_updated', data: { model: 'm' }, ephemeral: true },
    { type: 'assistant.turn_start', data: { turnId: '0' } },
    { type: 'assistant.message', data: { content: '', toolRequests: [{ name: 'bash' }] } },
    { type: 'tool.execution_start', data: { toolName: 'bash', arguments: { command: 'ls' } } },
    {
      type: 'tool.execution_complete',
      data: { success: true, shellExecution: { exitCode: 0 }, result: { content: 'a\n<exit code 0>' } },
    },
    { type: 'assistant.message_delta', data: { content: 'Do' }, ephemeral: true },
    { type: 'session.error', data: { errorType: 'query', message: 'a stream broke off' } },
    { type: 'assistant.message', data: { content: 'Done.', toolRequests: [] } },
    { type: 'result', exitCode: 0, usage: { premiumRequests: 1 } },
  ]);
  t.deepEqual(exit, { code: 0 }, 'it recovered from its error');
  t.is(printed, '● bash ls\n  ⎿ a (+1 lines)\n✗ a stream broke off\nDone.\n');
  t.deepEqual(report, { usage: null, failure: null });
});

test('failed tools and retries are shown', t => {
  const { printed } = reported(copilot, [
    { type: 'tool.execution_complete', data: { success: false, error: { message: 'denied' } } },
    {
      type: 'tool.execution_complete',
      data: { success: true, shellExecution: { exitCode: 1 }, result: { content: 'no' } },
    },
    { type: 'session.info', data: { infoType: 'model_retry', message: 'retrying' } },
    { type: 'session.info', data: { infoType: 'other', message: 'not shown' } },
  ]);
  t.is(printed, '  ⎿ failed: denied\n  ⎿ failed: no\n! retrying\n');
});

test('errors of copilot are classified as authentication or quota', t => {
  const kind = (data: object) => {
    const { exit, report } = reported(copilot, [
      { type: 'session.error', data },
      { type: 'result', exitCode: 0 },
    ]);
    t.deepEqual(exit, { code: 1 });
    return report?.failure?.kind;
  };
  const key = { errorType: 'authentication', message: 'Authentication failed (HTTP 401).', statusCode: 401 };
  t.is(kind(key), 'authentication');
  t.is(kind({ errorType: 'rate_limit', message: 'Slow down.' }), 'quota');
  t.is(kind({ errorType: 'query', message: 'no', statusCode: 402 }), 'quota');
  t.is(kind({ errorType: 'query', message: 'bad gateway', statusCode: 502 }), undefined);
  const words = reported(copilot, ['Error: No authentication information found.'], { exit: { code: 1 } });
  t.is(words.report?.failure?.kind, 'authentication');
});

test('copilot is ended when it exceeds its turns, and a later message does not clear the failure', t => {
  const turn = { type: 'assistant.turn_start', data: {} };
  const message = { type: 'assistant.message', data: { content: 'Done.' } };
  const { ended, exit, report } = reported(copilot, [turn, turn, message], { budget: { turns: 1 } });
  t.deepEqual([ended, exit, report?.failure?.kind], [1, { code: 1 }, 'budget']);
});
