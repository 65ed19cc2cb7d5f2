import test from 'ava';
import { formatBytes, formatDuration, parseDuration, parseSize } from '../../../src/spec/units.ts';

test('a duration is the sum of its parts', t => {
  const cases = {
    '90s': 90_000,
    '45m': 2_700_000,
    '1h30m': 5_400_000,
    '500ms': 500,
    '1m500ms': 60_500,
    '2h3m4s5ms': 7_384_005,
  };
  for (const [text, ms] of Object.entries(cases)) t.is(parseDuration(text), ms, text);
});

test('text that is not a valid duration returns null', t => {
  for (const text of [
    '',
    '5',
    's',
    '5 s',
    '-5s',
    '1.5h',
    '5S',
    '5d',
    '1s1m',
    '1s1s',
    '5s ',
    '1e3s',
    'none',
    '5s\n',
  ]) {
    t.is(parseDuration(text), null, JSON.stringify(text));
  }
});

test('a size is binary, in either case, with or without the b', t => {
  const cases = {
    '4g': 4 * 2 ** 30,
    '512m': 512 * 2 ** 20,
    '6144k': 6 * 2 ** 20,
    '4GB': 4 * 2 ** 30,
    '1.5g': 1.5 * 2 ** 30,
    '7Mb': 7 * 2 ** 20,
  };
  for (const [text, bytes] of Object.entries(cases)) t.is(parseSize(text), bytes, text);
});

test('text that is not a valid size returns null', t => {
  for (const text of ['', '4', '4 GB', '-1g', 'g', '4t', '4gib', '.5g', '1e3k', '4g ', '0x4g'])
    t.is(parseSize(text), null, text);
});

test('a duration is formatted with its significant units', t => {
  const cases: [number, string][] = [
    [0, '0s'],
    [-5, '0s'],
    [Number.NaN, '0s'],
    [0.4, '0s'],
    [500, '500ms'],
    [999.9, '999ms'],
    [1000, '1s'],
    [1550, '1.5s'],
    [9999, '9.9s'],
    [10_999, '10s'],
    [60_000, '1m'],
    [90_000, '1m 30s'],
    [3_600_000, '1h'],
    [3_661_000, '1h 1m 1s'],
    [90_000_000, '25h'],
  ];
  for (const [ms, text] of cases) t.is(formatDuration(ms), text);
});

test('a size is formatted in the largest unit that it fills', t => {
  const cases: [number, string][] = [
    [0, '0b'],
    [1023, '1023b'],
    [1024, '1k'],
    [2 ** 20 - 1, '1023.9k'],
    [1.5 * 2 ** 30, '1.5g'],
    [4 * 2 ** 30, '4g'],
    [2 ** 40, '1024g'],
  ];
  for (const [bytes, text] of cases) t.is(formatBytes(bytes), text);
});

test('a formatted duration or size parses to the same value', t => {
  for (const ms of [1, 999, 1000, 59_000, 60_000, 3_599_000, 7_261_000]) {
    t.is(parseDuration(formatDuration(ms).replaceAll(' ', '')), ms);
  }
  for (const bytes of [1024, 6 * 2 ** 20, 1.5 * 2 ** 30, 2 ** 40]) t.is(parseSize(formatBytes(bytes)), bytes);
});
