import test from 'ava';
import { claude } from '../../../src/providers/claude.ts';
import { cline } from '../../../src/providers/cline.ts';
import { codex } from '../../../src/providers/codex.ts';
import { gemini } from '../../../src/providers/gemini.ts';
import { opencode } from '../../../src/providers/opencode.ts';
import { priced } from '../../../src/transcript/priced-usage.ts';
import { recorded } from '../_helpers/recorded.ts';
import { reported } from '../_helpers/reported.ts';

const tokens = (inputTokens: number, cachedInputTokens: number, outputTokens: number) => ({
  inputTokens,
  cachedInputTokens,
  cacheWriteTokens: 0,
  outputTokens,
});

test('claude names its model in each message; its own cost is that of the table', t => {
  const { report } = reported(claude, recorded('claude'));
  t.deepEqual(report?.usage?.models, { 'claude-opus-5-5': tokens(200, 80, 40) });
  t.is(report?.usage?.costUsd, 0.001296);
  const before = reported(claude, recorded('claude').slice(0, -1));
  t.is(before.report?.usage?.costUsd, null);
  t.is(priced(before.report!.usage)?.costUsd, 0.001296, 'known before claude reports it');
});

test('codex names no model: that of the spec counts, or its default', t => {
  const { report, printed } = reported(codex, recorded('codex'));
  t.deepEqual(report?.usage?.models, { 'gpt-6.2-sol': tokens(200, 80, 40) });
  t.is(priced(report!.usage)?.costUsd, 0.000648);
  t.regex(printed, /— 1 turn, 200 tokens in, 40 out, \$0\.0006\n$/);
  const other = reported(codex, recorded('codex'), { model: 'gpt-5.4' });
  t.is(priced(other.report!.usage)?.costUsd, (120 * 2.5 + 80 * 0.25 + 40 * 15) / 1e6);
});

test('each of the models of gemini has its own price', t => {
  const { report } = reported(gemini, recorded('gemini'));
  t.deepEqual(report?.usage?.models, {
    'gemini-3.5-flash-lite': tokens(100, 40, 20),
    'gemini-3.8-flash': tokens(200, 80, 40),
  });
  t.is(
    priced(report!.usage)?.costUsd,
    // (60 × 0.3 + 40 × 0.03 + 20 × 2.5 + 120 × 0.75 + 80 × 0.075 + 40 × 3.75) / 1,000,000
    0.0003152,
  );
});

test('opencode reports its cost; cline names its model at its end', t => {
  t.is(priced(reported(opencode, recorded('opencode')).report!.usage)?.costUsd, 0.000492);
  const { report } = reported(cline, recorded('cline'));
  t.deepEqual(report?.usage?.models, { 'gpt-5.4': tokens(200, 80, 40) });
  t.deepEqual(priced(report!.usage), {
    turns: 2,
    inputTokens: 200,
    cachedInputTokens: 80,
    outputTokens: 40,
    costUsd: 0.00092,
    pricesDate: '2026-11-20',
  });
});

test('an unknown model has no cost, and neither has a model without a name', t => {
  const unknown = reported(codex, recorded('codex'), { model: 'mine' });
  t.like(priced(unknown.report!.usage), { costUsd: null, unpricedModels: ['mine'] });
  const unnamed = reported(cline, recorded('cline').slice(0, 4));
  t.is(unnamed.report?.usage?.models, undefined);
  t.like(priced(unnamed.report!.usage), { costUsd: null, unpricedModels: ['a model without a name'] });
  t.is(priced(null), null);
});

test('tokens written to a cache are reported, and a CLI may name any number of models', t => {
  const message = (id: string, model: string) => ({
    type: 'assistant',
    message: { id, model, content: [], usage: { input_tokens: 1, cache_creation_input_tokens: 2 } },
  });
  const names = Array.from({ length: 20 }, (_, index) => `m${index}-${'x'.repeat(200)}`);
  const { report } = reported(
    claude,
    names.map(name => message(name, name)),
  );
  t.is(report?.usage?.cacheWriteTokens, 40);
  const models = report!.usage!.models!;
  t.is(Object.keys(models).length, 9);
  t.is(models['other models']?.inputTokens, 36);
  t.true(Object.keys(models).every(name => name.length <= 101));
});

test('a CLI is ended when its cost reaches the budget', t => {
  const lines = recorded('claude').slice(0, -1);
  const { ended, exit, report } = reported(claude, lines, { budget: { usd: 0.001 } });
  t.deepEqual([ended, exit, report?.failure?.kind], [1, { code: 1 }, 'budget']);
  t.is(report?.failure?.message, 'over its budget: $0.0013 of $0.0010 is spent');
  t.is(reported(claude, lines, { budget: { usd: 0.002 } }).ended, 0);
  const share = reported(claude, lines, { budget: { usd: 0.001, isShare: true } });
  t.is(
    share.report?.failure?.message,
    'over its budget: $0.0013 of its share of the budget of the run ($0.0010) is spent',
  );
});

test('a CLI whose cost cannot be known is ended if it has a budget in dollars', t => {
  const { ended, report } = reported(codex, recorded('codex'), { model: 'mine', budget: { usd: 5 } });
  t.is(ended, 1);
  t.is(
    report?.failure?.message,
    'over its budget: no price is known for mine, so its cost cannot be limited to $5.00',
  );
  t.is(reported(opencode, recorded('opencode'), { budget: { usd: 5 } }).ended, 0, 'it reports its cost');
});

test('usage of earlier turns of a conversation is counted once', t => {
  const baseline = { inputTokens: 200, cachedInputTokens: 80, outputTokens: 40, costUsd: 0.001296 };
  const both = {
    type: 'turn.completed',
    usage: { input_tokens: 400, cached_input_tokens: 160, output_tokens: 80 },
  };
  const second = reported(codex, [both], { baseline });
  t.like(second.report?.usage, { turns: 1, inputTokens: 200, cachedInputTokens: 80, outputTokens: 40 });
  t.deepEqual(second.report?.usage?.models, { 'gpt-6.2-sol': tokens(200, 80, 40) });
  // The tokens of claude are those of the turn, its cost is that of both.
  const lines = recorded('claude');
  const result = { ...(lines.at(-1) as object), total_cost_usd: 0.002592 };
  const { report } = reported(claude, [...lines.slice(0, -1), result], { baseline });
  t.like(report?.usage, { inputTokens: 200, outputTokens: 40, costUsd: 0.001296 });
  t.is(reported(claude, [...lines.slice(0, -1), result]).report?.usage?.costUsd, 0.002592);
});
