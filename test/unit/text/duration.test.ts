import test from 'ava';
import { formatDuration } from '../../../src/text/duration.ts';

const cases: readonly (readonly [number, string])[] = [
  [-5, '0.0s'],
  [Number.NaN, '0.0s'],
  [0, '0.0s'],
  [99, '0.0s'],
  [400, '0.4s'],
  [9_999, '9.9s'],
  [10_000, '10s'],
  [59_999, '59s'],
  [60_000, '1m'],
  [185_000, '3m 5s'],
  [3_599_999, '59m 59s'],
  [3_600_000, '1h'],
  [3_720_000 + 86_400_000, '25h 2m'],
];

for (const [ms, text] of cases) test(`${ms} ms is formatted as ${text}`, t => t.is(formatDuration(ms), text));
