/**
 * A create that was cut off may land later: absence is believed after this many checks in a row that found nothing, so
 * far apart in milliseconds (I3).
 */
const quietChecks = 3;
export const quietCheckIntervalMs = 300;

export interface QuietOptions {
  readonly sleep: (ms: number) => Promise<void>;
  /** Default: no limit. */
  readonly maxChecks?: number;
}

/** Repeat a check, which removes what it finds and returns how much that was, until `quietChecks` in a row find nothing. */
export async function untilQuiet(
  check: () => Promise<number>,
  { sleep, maxChecks = Number.POSITIVE_INFINITY }: QuietOptions,
): Promise<void> {
  for (let checks = 0, quiet = 0; quiet < quietChecks && checks < maxChecks; checks++) {
    if (checks > 0) await sleep(quietCheckIntervalMs);
    quiet = (await check()) === 0 ? quiet + 1 : 0;
  }
}
