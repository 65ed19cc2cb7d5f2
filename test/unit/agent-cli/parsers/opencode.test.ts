import test from 'ava';
import { opencode } from '../../../../src/providers/opencode.ts';
import { now, reported } from '../../_helpers/reported.ts';

const step = (cost: number) => ({
  type: 'step_finish',
  part: {
    reason: 'stop',
    tokens: { input: 60, output: 20, reasoning: 0, cache: { write: 0, read: 40 } },
    cost,
  },
});
const error = (data: object, name = 'APIError') => ({ type: 'error', error: { name, data } });
const waits = (seconds: number, small = false) =>
  `level=ERROR message="stream error" small=${small} agent=build error.error="AI_APICallError: Rate limit reached. Please try again in ${seconds}s."`;

test('the usage of the steps of opencode is summed, and failed tools are shown', t => {
  const bash = (state: object) => ({ type: 'tool_use', part: { tool: 'bash', state } });
  const { exit, printed, report } = reported(opencode, [
    { type: 'step_start', part: {} },
    bash({ status: 'completed', input: { command: 'ls' }, output: 'a\n', metadata: { exit: 0 } }),
    bash({ status: 'completed', input: { command: 'npm test' }, output: 'no\n', metadata: { exit: 1 } }),
    bash({ status: 'error', input: { command: 'rm x' }, error: 'not allowed' }),
    step(0.001),
    { type: 'text', part: { text: 'Done.' } },
    step(0.002),
  ]);
  t.deepEqual(exit, { code: 0 });
  t.is(
    printed,
    '● bash ls\n  ⎿ a\n● bash npm test\n  ⎿ failed: no\n● bash rm x\n  ⎿ failed: not allowed\nDone.\n— 2 turns, 200 tokens in, 40 out, $0.0030\n',
  );
  t.deepEqual(report, {
    usage: { turns: 2, inputTokens: 200, cachedInputTokens: 80, outputTokens: 40, costUsd: 0.003 },
    failure: null,
  });
});

test('a model without a known price has no cost', t => {
  t.is(reported(opencode, [step(0)]).report?.usage?.costUsd, null);
});

test('an error of opencode is a failure even if it exits with 0', t => {
  const refused = reported(opencode, [error({ message: 'Incorrect API key provided.', statusCode: 401 })]);
  t.deepEqual(refused.exit, { code: 1 });
  t.deepEqual(refused.report?.failure, {
    kind: 'authentication',
    message: 'Incorrect API key provided.',
    resetsAt: null,
  });
  const limited = reported(opencode, [
    error({ message: 'Slow down.', statusCode: 429, responseHeaders: { 'retry-after': '3000' } }),
  ]);
  t.like(limited.report?.failure, { kind: 'quota', resetsAt: now + 3_000_000 });
  const odd = reported(opencode, [error({}, 'UnknownError')]);
  t.deepEqual([odd.exit, odd.report?.failure, odd.printed], [{ code: 1 }, null, '✗ UnknownError\n']);
  t.is(reported(opencode, [error({}, 'ProviderAuthError')]).report?.failure?.kind, 'authentication');
});

test('an error without a reason has the reason of its last log line', t => {
  const { report } = reported(opencode, [
    'level=ERROR message=failed error="ProviderNoProvidersError: No providers are available"',
    error({ message: 'Unexpected server error.' }, 'UnknownError'),
  ]);
  t.deepEqual(report?.failure, {
    kind: 'authentication',
    message: 'ProviderNoProvidersError: No providers are available',
    resetsAt: null,
  });
});

test('opencode is ended when it waits for its quota without an event, unless the wait is short', t => {
  const long = reported(opencode, [waits(2621, true), waits(2621)]);
  t.deepEqual([long.exit, long.ended], [{ code: 1 }, 1]);
  t.deepEqual(long.report?.failure, {
    kind: 'quota',
    message: 'AI_APICallError: Rate limit reached. Please try again in 2621s.',
    resetsAt: now + 2_621_000,
  });
  const moment = reported(opencode, [waits(2), waits(2), { type: 'step_finish', part: {} }]);
  t.deepEqual([moment.exit, moment.report?.failure], [{ code: 0 }, null]);
});

test('the tenth short wait in a row is a quota failure', t => {
  const nine = Array(9).fill(waits(2));
  t.is(reported(opencode, [...nine, waits(2)]).report?.failure?.kind, 'quota');
  t.is(reported(opencode, [...nine, step(0), ...nine]).report?.failure, null);
});

test('text is not a failure if the CLI exits with 0, or if it was printed long before the end', t => {
  const well = reported(opencode, ['the test expects 401 for a missing key']);
  t.deepEqual([well.exit, well.report], [{ code: 0 }, null]);
  const many = Array.from({ length: 30 }, (_, i) => `line ${i}`);
  const other = reported(opencode, ['401', ...many], { exit: { code: 3 } });
  t.deepEqual([other.exit, other.report], [{ code: 3 }, null]);
});
