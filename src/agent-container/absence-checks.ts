/** An interrupted create may take effect later, so a container is absent only after this many empty checks in a row (I3). */
const absenceChecks = 3;
/** Milliseconds between two checks. */
export const absenceCheckIntervalMs = 300;

export interface AbsenceOptions {
  readonly sleep: (ms: number) => Promise<void>;
  /** Default: no limit. */
  readonly maxChecks?: number;
}

/** Repeat a check, which removes what it finds and returns the number, until `absenceChecks` in a row find nothing. */
export async function untilAbsent(
  check: () => Promise<number>,
  { sleep, maxChecks = Number.POSITIVE_INFINITY }: AbsenceOptions,
): Promise<void> {
  for (let checks = 0, absent = 0; absent < absenceChecks && checks < maxChecks; checks++) {
    if (checks > 0) await sleep(absenceCheckIntervalMs);
    absent = (await check()) === 0 ? absent + 1 : 0;
  }
}
