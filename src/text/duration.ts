import prettyMilliseconds from 'pretty-ms';

/** Return a duration as `0.4s`, `41s`, `3m 5s` or `1h 2m`: in the units of a spec, and never rounded up. */
export function formatDuration(ms: number): string {
  // pretty-ms throws on NaN, and has other units below a tenth of a second.
  if (!(ms >= 100)) return '0.0s';
  return prettyMilliseconds(ms, {
    hideYearAndDays: true,
    hideSeconds: ms >= 3_600_000,
    subSecondsAsDecimals: true,
    secondsDecimalDigits: ms < 10_000 ? 1 : 0,
    keepDecimalsOnWholeSeconds: true,
  });
}
