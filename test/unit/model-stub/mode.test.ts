import test from 'ava';
import { parseMode, quotaCounter } from '../../../src/model-stub/mode.ts';

test('a mode is a name with its options', t => {
  t.is(parseMode('').name, 'ok');
  t.is(parseMode('slow seconds=2\n').seconds, 2);
  const { name, isRate, reset, requests } = parseMode('429 rate reset=7 requests=3');
  t.deepEqual([name, isRate, reset, requests], ['429', true, 7, 3]);
  t.throws(() => parseMode('fast'), { message: /unknown mode: fast; expected ok, / });
});

test('a quota is refused until it is reset, counted from the first refusal', t => {
  let now = 100_000;
  const next = quotaCounter(() => now);
  const mode = parseMode('429 reset=20');
  t.deepEqual(next(mode), { resetAt: 120, seconds: 20, isRate: false });
  now = 119_500;
  t.deepEqual(next(mode), { resetAt: 120, seconds: 1, isRate: false });
  now = 120_000;
  t.is(next(mode), null);
});

test('a quota can be refused for a number of requests', t => {
  const next = quotaCounter(() => 100_000);
  const mode = parseMode('429 requests=1');
  t.not(next(mode), null);
  t.is(next(mode), null);
});
