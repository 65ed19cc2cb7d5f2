import test from 'ava';
import { costOf, formatUsd, type ModelTokens, pricesOf } from '../../../src/prices/cost.ts';
import { pricesDate, table } from '../../../src/prices/table.ts';
import { providers } from '../../../src/providers/catalogue.ts';

const tokens = (more: Partial<ModelTokens> = {}): ModelTokens => ({
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  ...more,
});

test('the table has the models that the pinned CLIs use by default, and a date', t => {
  const defaults = providers.flatMap(({ report }) => report?.model ?? []);
  t.deepEqual(defaults, ['gpt-6.2-sol']);
  // As recorded in test/fixtures/cli-events.
  for (const model of [...defaults, 'claude-opus-5-5', 'gemini-3.8-flash', 'gemini-3.5-flash-lite'])
    t.truthy(pricesOf(model), model);
  t.regex(pricesDate, /^20\d\d-\d\d-\d\d$/);
  for (const [model, [input, cacheRead, cacheWrite, output]] of Object.entries(table))
    t.true(input >= cacheRead && cacheRead >= 0 && cacheWrite >= 0 && output >= input, model);
});

test('a model is found by every name that CLIs and clouds have for it', t => {
  const opus = table['claude-opus-5-5'];
  for (const name of [
    'claude-opus-5-5',
    'Claude-Opus-5-5',
    'claude-opus-5-5[1m]',
    'claude-opus-5-5-20261001',
    'claude-opus-5-5@20261001',
    'anthropic/claude-opus-5.5',
    'openrouter/anthropic/claude-opus-5.5',
    'anthropic.claude-opus-5-5-v1:0',
    'us.anthropic.claude-opus-5-5-20261001-v1:0',
  ])
    t.is(pricesOf(name), opus!, name);
  t.is(pricesOf('gpt-5.4-2026-03-05'), table['gpt-5.4']!);
  t.is(pricesOf('models/gemini-3.8-flash'), table['gemini-3.8-flash']!);
  for (const name of ['', 'stub-model', '__proto__', 'constructor', 'toString', 'claude', 'auto'])
    t.is(pricesOf(name), null, name);
});

test('tokens from a cache and tokens written to one have prices of their own', t => {
  const cost = (more: Partial<ModelTokens>) =>
    costOf({ costUsd: null, models: { 'claude-opus-5-5': tokens(more) } }).usd;
  t.is(cost({ inputTokens: 1e6 }), 4);
  t.is(cost({ inputTokens: 1e6, cachedInputTokens: 1e6 }), 0.2);
  t.is(cost({ inputTokens: 1e6, cacheWriteTokens: 1e6 }), 5);
  t.is(cost({ outputTokens: 1e6 }), 20);
  t.is(
    cost({ inputTokens: 3e6, cachedInputTokens: 1e6, cacheWriteTokens: 1e6, outputTokens: 1e6 }),
    4 + 0.2 + 5 + 20,
  );
});

test('the larger one of the price of the tokens and the report of the CLI counts', t => {
  const models = { 'gpt-5.4': tokens({ inputTokens: 1e6 }) };
  t.deepEqual(costOf({ costUsd: null, models }), { usd: 2.5, unpriced: [] });
  t.deepEqual(costOf({ costUsd: 1, models }), { usd: 2.5, unpriced: [] });
  t.deepEqual(costOf({ costUsd: 3, models }), { usd: 3, unpriced: [] });
});

test('a model without a price is named, unless the CLI reports its cost', t => {
  const models = {
    'gpt-5.4': tokens({ inputTokens: 1e6 }),
    mine: tokens({ outputTokens: 5 }),
    unused: tokens(),
  };
  t.deepEqual(costOf({ costUsd: null, models }), { usd: 2.5, unpriced: ['mine'] });
  t.deepEqual(costOf({ costUsd: 3, models }), { usd: 3, unpriced: [] });
  t.deepEqual(costOf({ costUsd: null, models: { mine: tokens({ outputTokens: 5 }) } }), {
    usd: null,
    unpriced: ['mine'],
  });
  t.deepEqual(costOf({ costUsd: null }), { usd: null, unpriced: [] });
});

test('small amounts are shown with four decimals', t => {
  t.deepEqual([0, 0.00131, 0.1, 12.345].map(formatUsd), ['$0.00', '$0.0013', '$0.10', '$12.35']);
});
