import { parseDuration } from '../spec/units.ts';

const day = 24 * 3_600_000;

/** Parse a duration as in specs, with days: `14d`, `1d12h`, `90m`. Return milliseconds, or null if it is not valid. */
export function parseAge(text: string): number | null {
  const [, days, rest = text] = /^(\d{1,5})d(.*)$/s.exec(text) ?? [];
  if (days === undefined) return parseDuration(text);
  const more = rest === '' ? 0 : parseDuration(rest);
  return more === null ? null : Number(days) * day + more;
}

const isoTime = /^\d{4}-\d\d-\d\d(?<clock>T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/** Parse a duration before `now`, or an ISO time. Return milliseconds since the epoch, or null if it is neither. */
export function parseMoment(text: string, now: number): number | null {
  const ago = parseAge(text);
  if (ago !== null) return now - ago;
  const found = isoTime.exec(text);
  if (!found) return null;
  // `Date.parse` reads a bare date as UTC and a date with a time as local. Make both local.
  const at = Date.parse(found.groups?.clock ? text : `${text}T00:00`);
  return Number.isNaN(at) ? null : at;
}
