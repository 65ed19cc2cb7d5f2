import test from 'ava';
import { cline } from '../../../../src/providers/cline.ts';
import { reported } from '../../_helpers/reported.ts';

const event = (event: object) => ({ type: 'agent_event', event });
const tool = { contentType: 'tool', toolName: 'run_commands' };

test('tools of cline are shown, and the report has its total usage', t => {
  const { exit, printed, report } = reported(cline, [
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
  t.deepEqual(exit, { code: 0 });
  t.is(
    printed,
    '● run_commands ls; pwd\n  ⎿ a\n  ⎿ failed: b\n! once more\nDone.\n— 2 turns, 200 tokens in, 40 out, $0.5000\n',
  );
  t.deepEqual(report, {
    usage: { turns: 2, inputTokens: 200, cachedInputTokens: 80, outputTokens: 40, costUsd: 0.5 },
    failure: null,
  });
});

test('the output of a tool may be a text, a result, or several results', t => {
  const end = (more: object) => event({ type: 'content_end', ...tool, ...more });
  const { printed } = reported(cline, [
    end({ output: 'text' }),
    end({ output: { result: 'a' } }),
    end({ output: [{ result: 'a' }, { error: 'b' }] }),
    end({ output: 'text', error: 'failed' }),
  ]);
  t.is(printed, '  ⎿ text\n  ⎿ a\n  ⎿ a (+1 lines)\n  ⎿ failed: text\n');
});

test('an error of cline is a failure even if it exits with 0, and is shown once', t => {
  const failed = (errorClass: string, message: string) =>
    reported(cline, [
      event({ type: 'error', error: { message }, errorClass, recoverable: false }),
      { type: 'run_result', finishReason: 'error', text: message },
    ]);
  const refused = failed('auth', 'Incorrect.');
  t.deepEqual([refused.exit, refused.report?.failure?.kind], [{ code: 1 }, 'authentication']);
  t.is(refused.printed, '✗ Incorrect.\n');
  const limited = failed('unknown', 'Rate limit reached. Please try again in 90s.');
  t.is(limited.report?.failure?.kind, 'quota');
  const late = reported(cline, [{ type: 'error', message: 'Incorrect API key provided.' }]);
  t.deepEqual([late.exit, late.report?.failure?.kind], [{ code: 1 }, 'authentication']);
  const cut = reported(cline, [{ type: 'run_result', finishReason: 'max_iterations', text: '' }]);
  t.is(cut.printed, '✗ max_iterations\n');
});
