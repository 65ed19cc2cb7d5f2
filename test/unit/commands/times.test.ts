import test from 'ava';
import { parseAge, parseMoment } from '../../../src/commands/times.ts';

const hour = 3_600_000;

test('an age is a duration as in specs, and may have days', t => {
  t.is(parseAge('14d'), 14 * 24 * hour);
  t.is(parseAge('1d12h'), 36 * hour);
  t.is(parseAge('90m'), 1.5 * hour);
  t.is(parseAge('0s'), 0);
  for (const wrong of ['', '14', 'd', '-1d', '1.5d', '1h1d', '14 d', '1dd', '1d\n2h', 'constructor'])
    t.is(parseAge(wrong), null, JSON.stringify(wrong));
});

test('a moment is a duration before now, or an ISO time', t => {
  t.is(parseMoment('10m', 10 * hour), 10 * hour - 600_000);
  t.is(parseMoment('2026-01-31T12:00:00Z', 0), Date.UTC(2026, 0, 31, 12));
  t.is(parseMoment('2026-01-31T12:00:00.5+01:00', 0), Date.UTC(2026, 0, 31, 11, 0, 0, 500));
  t.is(parseMoment('2026-01-31T12:00', 0), new Date(2026, 0, 31, 12).getTime());
  t.is(parseMoment('2026-01-31', 0), new Date(2026, 0, 31).getTime());
  for (const wrong of ['yesterday', '2026', '12:00', '2026-13-31', '2026-01-31T25:00', '10'])
    t.is(parseMoment(wrong, 0), null, wrong);
});
