import test from 'ava';
import { amp } from '../../../../src/providers/amp.ts';
import { claude } from '../../../../src/providers/claude.ts';
import { now, reported } from '../../_helpers/reported.ts';

const usage = {
  input_tokens: 60,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 40,
  output_tokens: 20,
};
const message = (id: string) => ({ type: 'assistant', message: { id, content: [], usage } });
const delta = { type: 'stream_event', event: { type: 'message_delta', usage: { output_tokens: 20 } } };

test('messages and tools of claude are shown, and the report has its usage', t => {
  const { printed, report, exit } = reported(claude, [
    { type: 'system', subtype: 'init', session_id: 'x' },
    {
      type: 'assistant',
      message: {
        id: 'm1',
        content: [
          { type: 'text', text: 'I look.' },
          { type: 'tool_use', name: 'Bash', input: { command: 'npm test\n', description: 'runs' } },
        ],
        usage,
      },
    },
    {
      type: 'user',
      message: { content: [{ type: 'tool_result', content: 'first\nsecond\nthird', is_error: true }] },
    },
    'a warning that is not JSON',
    {
      type: 'result',
      subtype: 'success',
      is_error: false,
      num_turns: 2,
      total_cost_usd: 0.001296,
      usage: { ...usage, output_tokens: 40 },
    },
  ]);
  t.is(
    printed,
    'I look.\n● Bash npm test\n  ⎿ failed: first (+2 lines)\na warning that is not JSON\n— 2 turns, 100 tokens in, 40 out, $0.0013\n',
  );
  t.deepEqual(report, {
    usage: { turns: 2, inputTokens: 100, cachedInputTokens: 40, outputTokens: 40, costUsd: 0.001296 },
    failure: null,
  });
  t.deepEqual(exit, { code: 0 });
});

test('a message that is emitted once per part is counted once', t => {
  const { report } = reported(claude, [message('m1'), message('m1'), delta, message('m2'), delta]);
  t.deepEqual(report?.usage, {
    turns: 2,
    inputTokens: 200,
    cachedInputTokens: 80,
    outputTokens: 40,
    costUsd: null,
  });
});

test('the result of a tool may come in parts, and a tool that returns nothing is not shown', t => {
  const result = (content: unknown) => ({
    type: 'user',
    message: { content: [{ type: 'tool_result', content }] },
  });
  const parts = [{ type: 'text', text: 'a' }, { type: 'image' }, { type: 'text', text: 'b' }];
  t.is(reported(claude, [result(parts), result(''), result(undefined)]).printed, '  ⎿ a (+2 lines)\n');
});

test('an exhausted quota resets at the time of the rate limit event', t => {
  const { report, exit } = reported(
    claude,
    [
      { type: 'rate_limit_event', rate_limit_info: { status: 'rejected', resetsAt: 1_795_570_770 } },
      {
        type: 'result',
        subtype: 'success',
        is_error: true,
        api_error_status: 429,
        result: "You've hit your 5-hour limit · resets 1:39am (UTC)",
        num_turns: 1,
      },
    ],
    { exit: { code: 1 } },
  );
  t.deepEqual(exit, { code: 1 });
  t.deepEqual(report?.failure, {
    kind: 'quota',
    message: "You've hit your 5-hour limit · resets 1:39am (UTC)",
    resetsAt: 1_795_570_770_000,
  });
});

test('a rate limit warning is ignored, and the reset time is read from the message', t => {
  const { report } = reported(claude, [
    { type: 'rate_limit_event', rate_limit_info: { status: 'allowed_warning', resetsAt: 1 } },
    { type: 'result', is_error: true, result: 'exceed your rate limit. Try again in 90s.' },
  ]);
  t.like(report?.failure, { kind: 'quota', resetsAt: now + 90_000 });
});

test('a refused key ends claude at its first retry, and other retries are shown', t => {
  const retry = (status: number) => ({
    type: 'system',
    subtype: 'api_retry',
    error: 'authentication_failed',
    attempt: 1,
    error_status: status,
    retry_delay_ms: 1_234,
  });
  const refused = reported(claude, [retry(401)]);
  t.deepEqual([refused.exit, refused.ended], [{ code: 1 }, 1]);
  t.like(refused.report?.failure, {
    kind: 'authentication',
    message: 'the API refuses the credentials (401)',
  });
  const overloaded = reported(claude, [retry(529)]);
  t.deepEqual([overloaded.ended, overloaded.report], [0, null]);
  t.is(overloaded.printed, '! authentication_failed: tries again in 2 s\n');
});

test('a failure without a message is shown by its subtype', t => {
  const { printed, report, exit } = reported(claude, [
    { type: 'result', subtype: 'error_during_execution', is_error: true, num_turns: 3 },
  ]);
  t.is(printed, '✗ error_during_execution\n');
  t.is(report?.failure, null);
  t.deepEqual(exit, { code: 1 });
});

test('the turn limit of claude is a budget failure, and a status of 401 an authentication failure', t => {
  const kind = (more: object) =>
    reported(claude, [{ type: 'result', is_error: true, ...more }]).report?.failure?.kind;
  t.is(kind({ subtype: 'error_max_turns', num_turns: 3 }), 'budget');
  t.is(kind({ subtype: 'success', api_error_status: 401, result: 'no' }), 'authentication');
});

for (const [limit, budget, isSlow] of [
  ['more than 2 turns', { turns: 2 }, false],
  ['more than 50 tokens of output', { outputTokens: 50 }, false],
  ['more than 2 s', { wall: 2_000 }, true],
] as const)
  test(`claude is ended once for ${limit}, and its usage until then is counted`, t => {
    const turns = [message('m1'), delta, message('m2'), delta, message('m2'), message('m3'), delta];
    const { exit, ended, report, printed } = reported(claude, turns, { budget, isSlow });
    t.deepEqual([exit, ended], [{ code: 1 }, 1]);
    t.like(report?.failure, { kind: 'budget', message: `over its budget: ${limit}`, resetsAt: null });
    t.is(printed.split('✗').length, 2);
    t.is(report?.usage?.turns, 3);
  });

test('claude within its budget is left alone', t => {
  const turns = [message('m1'), delta, message('m2'), delta, message('m3'), delta];
  const budget = { turns: 3, outputTokens: 60, wall: 600_000 };
  t.deepEqual(reported(claude, turns, { budget }).exit, { code: 0 });
});

test('amp prints the events of claude without ids, and reports no usage', t => {
  const { exit, report, printed } = reported(amp, [
    { type: 'assistant', message: { content: [{ type: 'text', text: 'I look.' }] } },
    { type: 'assistant', message: { content: [{ type: 'text', text: 'I see.' }] } },
    { type: 'result', subtype: 'error_during_execution', is_error: true, error: 'Out of credits' },
  ]);
  t.is(printed, 'I look.\nI see.\n✗ Out of credits\n');
  t.deepEqual([exit, report?.failure?.kind, report?.usage], [{ code: 1 }, 'quota', null]);
});

test('amp is ended as soon as it waits for a login', t => {
  const prompted = reported(amp, [
    'No API key found. Starting login flow...',
    'When prompted, paste your code here: ',
  ]);
  t.deepEqual(
    [prompted.exit, prompted.ended, prompted.report?.failure?.kind],
    [{ code: 1 }, 1, 'authentication'],
  );
  const refused = reported(amp, ["Error: Invalid or missing API key. Run 'amp login' to authenticate."], {
    exit: { code: 1 },
  });
  t.deepEqual([refused.ended, refused.report?.failure?.kind], [0, 'authentication']);
});
