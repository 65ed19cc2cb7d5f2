import test from 'ava';
import { formatDuration } from '../../../src/text/duration.ts';

const cases: readonly (readonly [number, string])[] = [
  [-5, '0.0 s'],
  [Number.NaN, '0.0 s'],
  [0, '0.0 s'],
  [99, '0.0 s'],
  [400, '0.4 s'],
  [9_999, '9.9 s'],
  [10_000, '10 s'],
  [59_999, '59 s'],
  [60_000, '1 min 00 s'],
  [185_000, '3 min 05 s'],
  [3_599_999, '59 min 59 s'],
  [3_600_000, '1 h 00 min'],
  [3_720_000 + 86_400_000, '25 h 02 min'],
];

for (const [ms, text] of cases) test(`${ms} ms are told as ${text}`, t => t.is(formatDuration(ms), text));
