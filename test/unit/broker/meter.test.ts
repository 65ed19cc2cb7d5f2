import test from 'ava';
import { createMeter } from '../../../src/broker/meter.ts';

const call = (model: string | null, outputTokens: number) => ({
  ...{ model, inputTokens: 100, cachedInputTokens: 40, cacheWriteTokens: 0, outputTokens },
});

test('usage is summed up by attempt and model', t => {
  const meter = createMeter();
  meter.count('a', 1, call('m', 5));
  meter.count('a', 1, call('n', 6));
  meter.count('a', 1, call('m', 7));
  meter.count('a', 2, call('m', 1));
  t.like(meter.usageOf('a', 1), {
    inputTokens: 300,
    cachedInputTokens: 120,
    outputTokens: 18,
    costUsd: null,
  });
  t.is(meter.usageOf('a', 1)?.models?.m?.outputTokens, 12);
  t.is(meter.usageOf('a', 2)?.outputTokens, 1);
  t.is(meter.usageOf('b', 1), null);
});

test('an attempt that has used its limit may not call any more', t => {
  const meter = createMeter();
  meter.load([{ agent: 'a', attempt: 1, budget: { outputTokens: 10 } }], []);
  t.is(meter.exceeded('a', 1), null);
  meter.count('a', 1, call('m', 11));
  meter.count('a', 2, call('m', 11));
  t.is(meter.exceeded('a', 1), 'more than 10 tokens of output');
  t.is(meter.exceeded('a', 2), null);
});

test('the cost of a model without a known price cannot be limited', t => {
  const meter = createMeter();
  meter.load([{ agent: 'a', attempt: 1, budget: { usd: 1 } }], []);
  meter.count('a', 1, call('no-such-model', 1));
  t.regex(meter.exceeded('a', 1)!, /^no price is known for no-such-model/);
});

test('the usage of an earlier broker is continued, and does not replace a newer one', t => {
  const first = createMeter();
  first.count('a', 1, call('m', 5));
  const second = createMeter();
  second.load([], first.all());
  second.count('a', 1, call('m', 1));
  second.load([], first.all());
  t.is(second.usageOf('a', 1)?.outputTokens, 6);
});

test('an agent that names any number of models has a bounded number of sums', t => {
  const meter = createMeter();
  for (let count = 0; count < 100; count++) meter.count('a', 1, call(`m${count}`, 1));
  const models = meter.usageOf('a', 1)!.models!;
  t.true(Object.keys(models).length <= 9);
  t.is(models['other models']?.outputTokens, 92);
});
