import { parseDuration } from '../spec/units.ts';

const day = 24 * 3_600_000;

/** `14d`, `1d12h`, `90m`: a duration as in specs, and days. In milliseconds; null where the text is none. */
export function parseAge(text: string): number | null {
  const [, days, rest = text] = /^(\d{1,5})d(.*)$/s.exec(text) ?? [];
  if (days === undefined) return parseDuration(text);
  const more = rest === '' ? 0 : parseDuration(rest);
  return more === null ? null : Number(days) * day + more;
}

const isoTime = /^\d{4}-\d\d-\d\d(?<clock>T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/** A moment, told as a duration before `now` or as an ISO time. In milliseconds since the epoch; null where it is neither. */
export function parseMoment(text: string, now: number): number | null {
  const ago = parseAge(text);
  if (ago !== null) return now - ago;
  const found = isoTime.exec(text);
  if (!found) return null;
  // A bare date would be read as UTC, a date with a time as local: here both are local.
  const at = Date.parse(found.groups?.clock ? text : `${text}T00:00`);
  return Number.isNaN(at) ? null : at;
}
