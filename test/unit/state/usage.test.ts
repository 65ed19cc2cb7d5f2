import test from 'ava';
import { formatUsage, usageOf } from '../../../src/state/usage.ts';

const used = (more = {}) => ({
  turns: 2,
  inputTokens: 1000,
  cachedInputTokens: 0,
  outputTokens: 40,
  costUsd: null,
  ...more,
});
const attempts = (...usages: (ReturnType<typeof used> | null)[]) =>
  ({ attempts: usages.map(usage => ({ usage })) }) as unknown as Parameters<typeof usageOf>[0];

test('the usage of an agent is the sum of the attempts that reported one', t => {
  t.is(usageOf(attempts()), null);
  t.is(usageOf(attempts(null, null)), null);
  t.deepEqual(usageOf(attempts(null, used(), null)), used());
  t.deepEqual(
    usageOf(attempts(used({ costUsd: 0.5 }), used({ turns: null, cachedInputTokens: 7 }))),
    used({ turns: 2, inputTokens: 2000, cachedInputTokens: 7, outputTokens: 80, costUsd: 0.5 }),
  );
});

test('formatUsage rounds large numbers and omits unknown ones', t => {
  t.is(formatUsage(used()), '2 turns, 1k tokens in, 40 out');
  t.is(
    formatUsage(used({ turns: 1, inputTokens: 999_600, cachedInputTokens: 310_400, costUsd: 0.4249 })),
    '1 turn, 1.0M tokens in (310k cached), 40 out, $0.42',
  );
  t.is(
    formatUsage(used({ turns: null, inputTokens: 999, costUsd: 0.0013 })),
    '999 tokens in, 40 out, $0.0013',
  );
});
