/**
 * Parse the reset time of an exhausted quota from the message of an AI CLI: milliseconds since the epoch, null if it
 * contains none. Times are in the time zone of this container. Claude Code and Codex omit the seconds, so the end of that
 * minute counts.
 */
export function parseResetTime(text: string, now: number): number | null {
  return afterSpan(text, now) ?? atTime(text, now);
}

/** Gemini CLI: `Your quota will reset after 3h20m10s.` APIs of OpenAI's kind: `Please try again in 6m0.5s.` */
const span =
  /(?:reset after|(?:try again|retry|resets?) in) (?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?/i;

function afterSpan(text: string, now: number): number | null {
  const [, hours = 0, minutes = 0, seconds = 0] = span.exec(text) ?? [];
  const total = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return total === 0 ? null : now + Math.ceil(total * 1000);
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
/** `1:39am`, `3pm`, `Nov 27, 3pm`, `Jan 2, 2027, 3pm`; `1:39 AM`, `Nov 27th, 2026 3:04 PM`. */
const time =
  /(?:resets|try again at) (?:([A-Z][a-z]{2}) (\d{1,2})(?:st|nd|rd|th)?,? (?:(\d{4}),? )?)?(\d{1,2})(?::(\d{2}))? ?([ap])m/i;

function atTime(text: string, now: number): number | null {
  const found = time.exec(text);
  if (found === null) return null;
  const [, month, day, year, hour, minute = 0, half = ''] = found;
  const at = new Date(now);
  if (month !== undefined) at.setMonth(months.indexOf(month.toLowerCase()), Number(day));
  if (year !== undefined) at.setFullYear(Number(year));
  at.setHours((Number(hour) % 12) + (half.toLowerCase() === 'p' ? 12 : 0), Number(minute) + 1, 0, 0);
  // A time that has just passed is in the past. One that is long past means tomorrow, or next year.
  if (at.getTime() < now - 10 * 60_000) {
    if (month === undefined) at.setDate(at.getDate() + 1);
    else if (year === undefined) at.setFullYear(at.getFullYear() + 1);
  }
  return Number.isNaN(at.getTime()) ? null : at.getTime();
}
