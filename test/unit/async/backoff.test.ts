import test from 'ava';
import { backoff } from '../../../src/async/backoff.ts';

test('backoff is a random part of a limit that doubles with each failure', t => {
  const options = { baseMs: 100, maxMs: 5_000 };
  const longest = [1, 2, 3, 6, 7, 1_000, 1e6].map(failures => backoff(failures, options, () => 1));
  t.deepEqual(longest, [100, 200, 400, 3_200, 5_000, 5_000, 5_000]);
  t.is(
    backoff(3, options, () => 0.25),
    100,
  );
  t.is(
    backoff(3, options, () => 0),
    0,
  );
});
