import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { amp } from '../../src/providers/amp.ts';
import { claude } from '../../src/providers/claude.ts';
import { cline } from '../../src/providers/cline.ts';
import { codex } from '../../src/providers/codex.ts';
import { copilot } from '../../src/providers/copilot.ts';
import { gemini } from '../../src/providers/gemini.ts';
import { kiro } from '../../src/providers/kiro.ts';
import { opencode } from '../../src/providers/opencode.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { reportOf } from '../../src/spec/report-plan.ts';
import { reportIn } from '../../src/transcript/agent-report.ts';
import { dockerDir, quoted, startBox } from './box.ts';

/** Run a CLI that prints these lines, as the CLI of a provider is run. */
async function reported(
  t: ExecutionContext,
  { report }: Pick<Provider, 'report'>,
  events: readonly unknown[],
  exit = 'true',
) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-report-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const lines = events.map(event => (typeof event === 'string' ? event : JSON.stringify(event)));
  writeFileSync(join(folder, 'lines'), `${lines.join('\n')}\n`);
  const scripts = join(dockerDir, 'provider');
  const box = await startBox(t, {
    options: [
      `--mount=type=bind,source=${scripts},target=/provider,readonly=true`,
      `--mount=type=bind,source=${folder},target=/lines,readonly=true`,
    ],
  });
  const plan = reportOf({ report, model: null }, {});
  const command = ['/provider/agent-report', JSON.stringify(plan), 'sh', '-c', `cat /lines/lines; ${exit}`];
  await box.inject(`exec ${command.map(quoted).join(' ')}`);
  const { code, output } = await box.end();
  const pane = output.replaceAll('\r', '');
  return { code, pane, report: reportIn(output, 'n0nce') };
}

const usage = {
  input_tokens: 60,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 40,
  output_tokens: 20,
};

test('claude: messages and tools are shown, and the report has the usage', async t => {
  const { code, pane, report } = await reported(t, claude, [
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
  t.is(code, 0);
  t.regex(
    pane,
    /I look\.\n● Bash npm test\n {2}⎿ failed: first \(\+2 lines\)\na warning that is not JSON\n— 2 turns, 100 tokens in, 40 out, \$0\.0013\n/,
  );
  t.deepEqual(report, {
    usage: { turns: 2, inputTokens: 100, cachedInputTokens: 40, outputTokens: 40, costUsd: 0.001296 },
    failure: null,
  });
});

test('claude: an exhausted quota is reported with its reset time', async t => {
  const { code, report } = await reported(
    t,
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
    'exit 1',
  );
  t.is(code, 1);
  t.deepEqual(report?.failure, {
    kind: 'quota',
    message: "You've hit your 5-hour limit · resets 1:39am (UTC)",
    resetsAt: 1_795_570_770_000,
  });
});

test('claude: a refused key ends the CLI at its first retry, and a signal ends it by that signal', async t => {
  const refused = await reported(
    t,
    claude,
    [{ type: 'system', subtype: 'api_retry', error: 'authentication_failed', attempt: 1, error_status: 401 }],
    'exec sleep 600',
  );
  t.is(refused.code, 1);
  t.is(refused.report?.failure?.kind, 'authentication');
  const killed = await reported(t, claude, [], 'kill -TERM $$');
  t.is(killed.code, 143);
  t.regex(killed.pane, /agent-end signal 143 /);
});

test('a CLI that reports a failure has failed, whatever its exit code; otherwise its own code counts', async t => {
  const failed = await reported(t, claude, [
    { type: 'result', subtype: 'error_during_execution', is_error: true, num_turns: 3 },
  ]);
  t.is(failed.code, 1);
  t.regex(failed.pane, /✗ error_during_execution/);
  t.is(failed.report?.failure, null);
  t.is((await reported(t, claude, [], 'exit 7')).code, 7);
});

test('claude is ended when it exceeds its budget of turns, tokens or time', async t => {
  const message = (id: string) => ({ type: 'assistant', message: { id, content: [], usage } });
  const delta = { type: 'stream_event', event: { type: 'message_delta', usage: { output_tokens: 20 } } };
  const turns = [message('m1'), delta, message('m2'), delta, message('m2'), message('m3'), delta];
  for (const [budget, exceeded] of [
    [{ turns: 2 }, 'more than 2 turns'],
    [{ outputTokens: 50 }, 'more than 50 tokens of output'],
    [{ wall: 2_000 }, 'more than 2 s'],
  ] as const) {
    const limited = { report: { ...claude.report!, budget } };
    const { code, pane, report } = await reported(t, limited, turns, 'exec sleep 600');
    t.is(code, 1, pane);
    t.is(report?.failure?.kind, 'budget');
    t.is(report?.failure?.message, `over its budget: ${exceeded}`);
    t.is(report?.usage?.turns, 3);
  }
  const within = { report: { ...claude.report!, budget: { turns: 3, outputTokens: 60, wall: 600_000 } } };
  t.is((await reported(t, within, turns)).code, 0);
});

test('a turn limit of the CLI itself counts as a budget, which another attempt would exceed as well', async t => {
  const claudes = await reported(t, claude, [
    { type: 'result', subtype: 'error_max_turns', is_error: true, num_turns: 3 },
  ]);
  t.is(claudes.report?.failure?.kind, 'budget');
  const geminis = async (type: string) => {
    const error = { type, message: 'Reached max session turns for this session.' };
    const { report } = await reported(t, gemini, [{ type: 'result', status: 'error', error }], 'exit 53');
    return report?.failure?.kind;
  };
  t.is(await geminis('FatalTurnLimitedError'), 'budget');
  t.is(await geminis('FatalAuthenticationError'), 'authentication');
  t.is(await geminis('Error'), undefined);
});

test('a CLI without events: its last lines distinguish a missing login from other failures', async t => {
  const kind = async (words: string, exit: string) => {
    const { code, pane, report } = await reported(t, kiro, [], `echo '${words}' >&2; ${exit}`);
    t.true(pane.includes(words));
    return [code, report?.usage ?? null, report?.failure?.kind];
  };
  t.deepEqual(await kind('Error: you are not logged in', 'exit 1'), [1, null, 'authentication']);
  t.deepEqual(await kind('Error: 429 Too Many Requests', 'exit 2'), [2, null, 'quota']);
  t.deepEqual(await kind('cannot read the file', 'exit 3'), [3, null, undefined]);
  t.deepEqual(await kind('it was not logged in before', 'exit 0'), [0, null, undefined]);
});

test('codex: retries do not count as failures, and the last turn has the usage of all', async t => {
  const turn = {
    type: 'turn.completed',
    usage: { input_tokens: 200, cached_input_tokens: 80, output_tokens: 40 },
  };
  const { code, pane, report } = await reported(t, codex, [
    { type: 'error', message: 'Reconnecting... 1/5 (unexpected status 401 Unauthorized)' },
    { type: 'item.started', item: { type: 'command_execution', command: 'ls' } },
    { type: 'item.completed', item: { type: 'command_execution', aggregated_output: 'a\n', exit_code: 0 } },
    { type: 'item.completed', item: { type: 'agent_message', text: 'Done.' } },
    turn,
    turn,
  ]);
  t.is(code, 0);
  t.regex(pane, /! Reconnecting.*\n● run ls\n {2}⎿ a\nDone\.\n— 2 turns, 200 tokens in, 40 out, \$0.0006\n/);
  t.is(report?.failure, null);
  const failed = await reported(
    t,
    codex,
    [{ type: 'turn.failed', error: { message: 'You’ve hit your usage limit. try again at 1:39 AM.' } }],
    'exit 1',
  );
  t.is(failed.report?.failure?.kind, 'quota');
});

test('gemini: chunks of a message are joined', async t => {
  const { pane, report } = await reported(t, gemini, [
    { type: 'message', role: 'user', content: 'not shown' },
    { type: 'message', role: 'assistant', content: 'Hel', delta: true },
    { type: 'message', role: 'assistant', content: 'lo.', delta: true },
    { type: 'result', status: 'success', stats: { input_tokens: 300, output_tokens: 60, cached: 120 } },
  ]);
  t.regex(pane, /Hello\.\n— 300 tokens in, 60 out\n/);
  t.notRegex(pane, /not shown/);
  t.deepEqual(report?.usage, {
    turns: null,
    inputTokens: 300,
    cachedInputTokens: 120,
    outputTokens: 60,
    costUsd: null,
  });
});

test('opencode: the usage of steps is added up, and failed tools are shown', async t => {
  const step = (cost: number) => ({
    type: 'step_finish',
    part: {
      reason: 'stop',
      tokens: { input: 60, output: 20, reasoning: 0, cache: { write: 0, read: 40 } },
      cost,
    },
  });
  const bash = (state: object) => ({ type: 'tool_use', part: { tool: 'bash', state } });
  const { code, pane, report } = await reported(t, opencode, [
    { type: 'step_start', part: {} },
    bash({ status: 'completed', input: { command: 'ls' }, output: 'a\n', metadata: { exit: 0 } }),
    bash({ status: 'completed', input: { command: 'npm test' }, output: 'no\n', metadata: { exit: 1 } }),
    bash({ status: 'error', input: { command: 'rm x' }, error: 'not allowed' }),
    step(0.001),
    { type: 'text', part: { text: 'Done.' } },
    step(0.002),
  ]);
  t.is(code, 0);
  t.regex(
    pane,
    /● bash ls\n {2}⎿ a\n● bash npm test\n {2}⎿ failed: no\n● bash rm x\n {2}⎿ failed: not allowed\n/,
  );
  t.regex(pane, /Done\.\n— 2 turns, 200 tokens in, 40 out, \$0\.0030\n/);
  t.deepEqual(report, {
    usage: { turns: 2, inputTokens: 200, cachedInputTokens: 80, outputTokens: 40, costUsd: 0.003 },
    failure: null,
  });
});

test('opencode: a reported error is a failure, even with exit code 0', async t => {
  const error = (data: object) => ({ type: 'error', error: { name: 'APIError', data } });
  const refused = await reported(t, opencode, [
    error({ message: 'Incorrect API key provided.', statusCode: 401, isRetryable: false }),
  ]);
  t.is(refused.code, 1);
  t.deepEqual(refused.report?.failure, {
    kind: 'authentication',
    message: 'Incorrect API key provided.',
    resetsAt: null,
  });
  const before = Date.now();
  const limited = await reported(t, opencode, [
    error({ message: 'Slow down.', statusCode: 429, responseHeaders: { 'retry-after': '3000' } }),
  ]);
  t.is(limited.report?.failure?.kind, 'quota');
  t.true(limited.report!.failure!.resetsAt! >= before + 3_000_000);
  const odd = await reported(t, opencode, [{ type: 'error', error: { name: 'UnknownError', data: {} } }]);
  t.deepEqual([odd.code, odd.report?.failure], [1, null]);
  t.regex(odd.pane, /✗ UnknownError/);
  const unnamed = await reported(t, opencode, [
    'level=ERROR message=failed error="ProviderNoProvidersError: No providers are available"',
    { type: 'error', error: { name: 'UnknownError', data: { message: 'Unexpected server error.' } } },
  ]);
  t.deepEqual(unnamed.report?.failure, {
    kind: 'authentication',
    message: 'ProviderNoProvidersError: No providers are available',
    resetsAt: null,
  });
});

test('opencode: a silent wait for its quota is ended, unless it is short', async t => {
  const line = (seconds: number, small = false) =>
    `level=ERROR message="stream error" small=${small} agent=build error.error="AI_APICallError: Rate limit reached. Please try again in ${seconds}s."`;
  const before = Date.now();
  const long = await reported(t, opencode, [line(2621, true), line(2621)], 'exec sleep 600');
  t.is(long.code, 1);
  t.is(long.report?.failure?.kind, 'quota');
  t.is(long.report?.failure?.message, 'AI_APICallError: Rate limit reached. Please try again in 2621s.');
  t.true(long.report!.failure!.resetsAt! >= before + 2_621_000);
  const moment = await reported(t, opencode, [line(2), line(2), { type: 'step_finish', part: {} }]);
  t.deepEqual([moment.code, moment.report?.failure], [0, null]);
  const again = await reported(t, opencode, Array(10).fill(line(2)), 'exec sleep 600');
  t.is(again.report?.failure?.kind, 'quota');
});

test('copilot: messages and tools are shown, and no usage is reported', async t => {
  const { code, pane, report } = await reported(t, copilot, [
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
  t.is(code, 0, 'it recovered from its error');
  t.regex(pane, /● bash ls\n {2}⎿ a \(\+1 lines\)\n✗ a stream broke off\nDone\.\n/);
  t.notRegex(pane, /Do\n|tokens/);
  t.deepEqual(report, { usage: null, failure: null });
});

test('copilot: a refused key, an exhausted quota and a missing login are distinguished', async t => {
  const failed = (data: object) => [
    { type: 'session.error', data },
    { type: 'result', exitCode: 0 },
  ];
  const kind = async (events: readonly unknown[], exit?: string) => {
    const { code, report } = await reported(t, copilot, events, exit);
    return [code, report?.failure?.kind];
  };
  const key = { errorType: 'authentication', message: 'Authentication failed (HTTP 401).', statusCode: 401 };
  t.deepEqual(await kind(failed(key)), [1, 'authentication']);
  t.deepEqual(await kind(failed({ errorType: 'rate_limit', message: 'Slow down.' })), [1, 'quota']);
  t.deepEqual(await kind(failed({ errorType: 'query', message: 'bad gateway', statusCode: 502 })), [
    1,
    undefined,
  ]);
  t.deepEqual(await kind([], 'echo "Error: No authentication information found." >&2; exit 1'), [
    1,
    'authentication',
  ]);
});

test('cline: tools are shown, and the total usage is reported', async t => {
  const event = (event: object) => ({ type: 'agent_event', event });
  const tool = { contentType: 'tool', toolName: 'run_commands' };
  const { code, pane, report } = await reported(t, cline, [
    { type: 'hook_event', hookEventName: 'agent_start' },
    event({ type: 'usage', totalInputTokens: 100, totalOutputTokens: 20, totalCacheReadTokens: 40 }),
    event({ type: 'content_start', ...tool, input: { commands: ['ls', 'pwd'] } }),
    event({ type: 'content_end', ...tool, output: [{ result: 'a', success: true }] }),
    event({ type: 'content_end', ...tool, output: [{ result: 'b', success: false }] }),
    event({ type: 'iteration_end', iteration: 1 }),
    event({ type: 'error', recoverable: true, error: { message: 'once more' } }),
    event({ type: 'content_end', contentType: 'text', text: 'Done.' }),
    event({
      type: 'usage',
      totalInputTokens: 200,
      totalOutputTokens: 40,
      totalCacheReadTokens: 80,
      totalCost: 0.5,
    }),
    event({ type: 'iteration_end', iteration: 2 }),
    { type: 'run_result', finishReason: 'completed', text: 'Done.' },
  ]);
  t.is(code, 0);
  t.regex(pane, /● run_commands ls; pwd\n {2}⎿ a\n {2}⎿ failed: b\n! once more\nDone\.\n— 2 turns, 200/);
  t.deepEqual(report, {
    usage: { turns: 2, inputTokens: 200, cachedInputTokens: 80, outputTokens: 40, costUsd: 0.5 },
    failure: null,
  });
});

test('cline: an error on either stream is a failure, even with exit code 0', async t => {
  const error = (errorClass: string, message: string) => [
    { type: 'agent_event', event: { type: 'error', error: { message }, errorClass, recoverable: false } },
    { type: 'run_result', finishReason: 'error', text: message },
  ];
  const refused = await reported(t, cline, error('auth', 'Incorrect.'));
  t.deepEqual([refused.code, refused.report?.failure?.kind], [1, 'authentication']);
  const limited = await reported(t, cline, error('unknown', 'Rate limit reached. Please try again in 90s.'));
  t.is(limited.report?.failure?.kind, 'quota');
  const late = await reported(
    t,
    cline,
    [],
    `echo '{"type":"error","message":"Incorrect API key provided."}' >&2`,
  );
  t.deepEqual([late.code, late.report?.failure?.kind], [1, 'authentication']);
  const cut = await reported(t, cline, [{ type: 'run_result', finishReason: 'max_iterations', text: '' }]);
  t.regex(cut.pane, /✗ max_iterations/);
});

test('amp: a wait for a login is ended at once, and failures are reported', async t => {
  const asks = await reported(
    t,
    amp,
    ['No API key found. Starting login flow...', 'When prompted, paste your code here: '],
    // It ignores TERM, and is killed.
    'trap "" TERM; exec sleep 600',
  );
  t.is(asks.code, 1);
  t.is(asks.report?.failure?.kind, 'authentication');
  const refused = await reported(
    t,
    amp,
    [],
    `echo "Error: Invalid or missing API key. Run 'amp login' to authenticate." >&2; exit 1`,
  );
  t.deepEqual([refused.code, refused.report?.failure?.kind], [1, 'authentication']);
  const failed = await reported(
    t,
    amp,
    [
      { type: 'assistant', message: { content: [{ type: 'text', text: 'I look.' }] } },
      { type: 'result', subtype: 'error_during_execution', is_error: true, error: 'Out of credits' },
    ],
    'exit 0',
  );
  t.deepEqual([failed.code, failed.report?.failure?.kind, failed.report?.usage], [1, 'quota', null]);
});

test('words of a CLI that succeeded, or long before its failure, are not a failure', async t => {
  const well = await reported(t, opencode, ['the test expects 401 for a missing key']);
  t.deepEqual([well.code, well.report], [0, null]);
  const many = Array.from({ length: 30 }, (_, i) => `line ${i}`);
  const other = await reported(t, opencode, ['401', ...many], 'exit 3');
  t.deepEqual([other.code, other.report], [3, null]);
});
