import test from 'ava';
import { codex } from '../../../../src/providers/codex.ts';
import { reported } from '../../_helpers/reported.ts';

const turn = {
  type: 'turn.completed',
  usage: { input_tokens: 200, cached_input_tokens: 80, output_tokens: 40 },
};

test('retries of codex do not count as failures, and the last turn has the usage of all', t => {
  const { exit, printed, report } = reported(codex, [
    { type: 'error', message: 'Reconnecting... 1/5 (unexpected status 401 Unauthorized)' },
    { type: 'item.started', item: { type: 'command_execution', command: 'ls' } },
    { type: 'item.completed', item: { type: 'command_execution', aggregated_output: 'a\n', exit_code: 0 } },
    { type: 'item.completed', item: { type: 'agent_message', text: 'Done.' } },
    turn,
    { ...turn, usage: { input_tokens: 400, cached_input_tokens: 160, output_tokens: 80 } },
  ]);
  t.deepEqual(exit, { code: 0 });
  t.is(
    printed,
    '! Reconnecting... 1/5 (unexpected status 401 Unauthorized)\n● run ls\n  ⎿ a\nDone.\n— 2 turns, 400 tokens in, 80 out, $0.0013\n',
  );
  t.like(report?.usage, { turns: 2, inputTokens: 400, cachedInputTokens: 160, outputTokens: 80 });
  t.is(report?.failure, null);
});

test('file changes, tools and errors of codex are shown', t => {
  const item = (item: object) => ({ type: 'item.completed', item });
  const { printed } = reported(codex, [
    item({ type: 'file_change', changes: [{ path: 'a' }, { path: 'b' }] }),
    item({ type: 'mcp_tool_call', server: 'files', tool: 'read' }),
    item({ type: 'error', message: 'a hook failed' }),
    item({ type: 'command_execution', aggregated_output: 'no', exit_code: 1 }),
  ]);
  t.is(printed, '● change a b\n● files.read {}\n! a hook failed\n  ⎿ failed: no\n');
});

test('a key that was refused twice ends codex', t => {
  const { exit, ended, report } = reported(codex, [
    { type: 'error', message: 'Reconnecting... 2/5 (unexpected status 401 Unauthorized)' },
  ]);
  t.deepEqual([exit, ended, report?.failure?.kind], [{ code: 1 }, 1, 'authentication']);
});

test('a turn that fails at the usage limit is a quota failure, until a turn completes', t => {
  const failed = {
    type: 'turn.failed',
    error: { message: 'You’ve hit your usage limit. try again at 1:39 AM.' },
  };
  const last = reported(codex, [failed], { exit: { code: 1 } });
  t.is(last.report?.failure?.kind, 'quota');
  t.is(last.report?.failure?.resetsAt, new Date(2026, 10, 26, 1, 40).getTime());
  const recovered = reported(codex, [failed, turn]);
  t.deepEqual([recovered.exit, recovered.report?.failure], [{ code: 0 }, null]);
});

test('a turn that completes after codex is ended for its budget does not clear the failure', t => {
  const { ended, exit, report } = reported(codex, [turn, turn, turn], { budget: { turns: 1 } });
  t.deepEqual([ended, exit], [1, { code: 1 }]);
  t.is(report?.failure?.message, 'over its budget: more than 1 turns');
});
