import test from 'ava';
import { toolCall, toolResult } from '../../../src/agent-cli/cli-event.ts';
import { display, displayUsage, oneLine } from '../../../src/agent-cli/display.ts';
import { noUsage } from '../../../src/agent-cli/report.ts';

test('text is joined to one line and truncated', t => {
  t.is(oneLine(' a\n\tb  c '), 'a b c');
  t.is(oneLine('a'.repeat(161)), `${'a'.repeat(160)}…`);
  t.is(oneLine('abc', 2), 'ab…');
});

test('the usage names one turn and several', t => {
  const usage = { ...noUsage, inputTokens: 100, outputTokens: 20 };
  t.is(displayUsage({ ...usage, turns: 1 }), '— 1 turn, 100 tokens in, 20 out\n');
  t.is(displayUsage({ ...usage, turns: 2 }), '— 2 turns, 100 tokens in, 20 out\n');
});

test('a tool is shown with its most informative argument, or with all of them', t => {
  t.is(display(toolCall('Read', { limit: 3, file_path: 'a b' })), '● Read a b\n');
  t.is(display(toolCall('Odd', { limit: 3 })), '● Odd {"limit":3}\n');
});

test('the result of a tool is shown as its first line and the number of the others', t => {
  t.is(display(toolResult('\n a\nb\nc\n', false)), '  ⎿ a (+2 lines)\n');
  t.is(display(toolResult('no', true)), '  ⎿ failed: no\n');
  t.is(display(toolResult(' \n', true)), '');
});

test('internal events are not shown', t => {
  t.is(display({ type: 'usage', usage: { turns: 3 } }), '');
  t.is(display({ type: 'recovered' }), '');
  t.is(displayUsage(noUsage), '');
});
