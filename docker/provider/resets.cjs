/**
 * When a plan that is used up is there again, as AI CLIs say it in words: milliseconds since the epoch, null where they
 * do not. The times are of this container's zone; Claude Code and Codex cut off the seconds, so the end of that minute
 * is meant.
 */
function resetIn(text, now) {
  return afterTime(text, now) ?? atTime(text, now);
}

/** Gemini CLI: `Your quota will reset after 3h20m10s.` APIs of OpenAI's kind: `Please try again in 6m0.5s.` */
function afterTime(text, now) {
  const [found, hours = 0, minutes = 0, seconds = 0] =
    /(?:reset after|(?:try again|retry|resets?) in) (?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?/i.exec(
      text,
    ) ?? [];
  const span = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return found === undefined || span === 0 ? null : now + Math.ceil(span * 1000);
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
/** `1:39am`, `3pm`, `Nov 27, 3pm`, `Jan 2, 2027, 3pm`; `1:39 AM`, `Nov 27th, 2026 3:04 PM`. */
const time =
  /(?:resets|try again at) (?:([A-Z][a-z]{2}) (\d{1,2})(?:st|nd|rd|th)?,? (?:(\d{4}),? )?)?(\d{1,2})(?::(\d{2}))? ?([ap])m/i;

function atTime(text, now) {
  const [found, month, day, year, hour, minute = 0, half] = time.exec(text) ?? [];
  if (found === undefined) return null;
  const at = new Date(now);
  if (month !== undefined) at.setMonth(months.indexOf(month.toLowerCase()), Number(day));
  if (year !== undefined) at.setFullYear(Number(year));
  at.setHours((Number(hour) % 12) + (half.toLowerCase() === 'p' ? 12 : 0), Number(minute) + 1, 0, 0);
  // A time that has just passed has passed; one that is long over is that of tomorrow, or of next year.
  if (at.getTime() < now - 10 * 60_000) {
    if (month === undefined) at.setDate(at.getDate() + 1);
    else if (year === undefined) at.setFullYear(at.getFullYear() + 1);
  }
  return Number.isNaN(at.getTime()) ? null : at.getTime();
}

module.exports = { resetIn };
