import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { reportIn } from '../../src/docker/agent-report.ts';
import { claude } from '../../src/providers/claude.ts';
import { codex } from '../../src/providers/codex.ts';
import { gemini } from '../../src/providers/gemini.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { dockerDir, quoted, startBox } from './box.ts';

/** Runs a CLI that prints these lines, as a provider's is run. */
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
  const command = ['/provider/agent-report', JSON.stringify(report), 'sh', '-c', `cat /lines/lines; ${exit}`];
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

test('of claude people see what it says and does, and the report holds what it used', async t => {
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
    'a warning that is no JSON',
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
    /I look\.\n● Bash npm test\n {2}⎿ failed: first \(\+2 lines\)\na warning that is no JSON\n— 2 turns, 100 tokens in, 40 out, \$0\.0013\n/,
  );
  t.deepEqual(report, {
    usage: { turns: 2, inputTokens: 100, cachedInputTokens: 40, outputTokens: 40, costUsd: 0.001296 },
    trouble: null,
  });
});

test('claude that meets its limit says when it is over', async t => {
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
  t.deepEqual(report?.trouble, {
    kind: 'quota',
    message: "You've hit your 5-hour limit · resets 1:39am (UTC)",
    resetsAt: 1_795_570_770_000,
  });
});

test('claude whose key is refused is ended at its first retry, and one that is told to end by a signal ends by it', async t => {
  const refused = await reported(
    t,
    claude,
    [{ type: 'system', subtype: 'api_retry', error: 'authentication_failed', attempt: 1, error_status: 401 }],
    'exec sleep 600',
  );
  t.is(refused.code, 1);
  t.is(refused.report?.trouble?.kind, 'login');
  const killed = await reported(t, claude, [], 'kill -TERM $$');
  t.is(killed.code, 143);
  t.regex(killed.pane, /agent-end signal 143 /);
});

test('a CLI that says it has failed has, whatever it exits with; one that says nothing ends with its own code', async t => {
  const said = await reported(t, claude, [
    { type: 'result', subtype: 'error_max_turns', is_error: true, num_turns: 3 },
  ]);
  t.is(said.code, 1);
  t.regex(said.pane, /✗ error_max_turns/);
  t.is(said.report?.trouble, null);
  t.is((await reported(t, claude, [], 'exit 7')).code, 7);
});

test('claude is ended when it has taken more turns, tokens or time than it was given', async t => {
  const message = (id: string) => ({ type: 'assistant', message: { id, content: [], usage } });
  const delta = { type: 'stream_event', event: { type: 'message_delta', usage: { output_tokens: 20 } } };
  const turns = [message('m1'), delta, message('m2'), delta, message('m2'), message('m3'), delta];
  for (const [budget, said] of [
    [{ turns: 2 }, 'more than 2 turns'],
    [{ outputTokens: 50 }, 'more than 50 tokens of output'],
    [{ wall: 2_000 }, 'more than 2 s'],
  ] as const) {
    const limited = { report: { ...claude.report!, budget } };
    const { code, pane, report } = await reported(t, limited, turns, 'exec sleep 600');
    t.is(code, 1, pane);
    t.is(report?.trouble?.kind, 'budget');
    t.is(report?.trouble?.message, `over its budget: ${said}`);
    t.is(report?.usage?.turns, 3);
  }
  const within = { report: { ...claude.report!, budget: { turns: 3, outputTokens: 60, wall: 600_000 } } };
  t.is((await reported(t, within, turns)).code, 0);
});

test('of codex, retries are no failure, and what each turn used is added up', async t => {
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
  t.regex(pane, /! Reconnecting.*\n● run ls\n {2}⎿ a\nDone\.\n— 2 turns, 400 tokens in, 80 out\n/);
  t.is(report?.trouble, null);
  const failed = await reported(
    t,
    codex,
    [{ type: 'turn.failed', error: { message: 'You’ve hit your usage limit. try again at 1:39 AM.' } }],
    'exit 1',
  );
  t.is(failed.report?.trouble?.kind, 'quota');
});

test('of gemini, what it says comes in pieces', async t => {
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
