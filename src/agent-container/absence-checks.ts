/** An interrupted create may take effect later, so a container is absent only after this many empty checks in a row (I3). */
const absenceChecks = 3;
/** Milliseconds between two checks. */
const absenceCheckIntervalMs = 300;

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

export interface Removal {
  /** The number of what was found, apart from what is to stay. */
  readonly found: number;
  /** The ids or names of those that could not be removed. */
  readonly left: readonly string[];
}

/**
 * Remove all that is found, and repeat that until nothing is found if an interrupted create may still take effect (`inDoubt`).
 * Returns the rest after the last removal.
 */
export async function removeUntilAbsent(
  remove: () => Promise<Removal>,
  { inDoubt, sleep, maxChecks }: Required<AbsenceOptions> & { readonly inDoubt: boolean },
): Promise<readonly string[]> {
  let result = await remove();
  if (!inDoubt) return result.left;
  await sleep(absenceCheckIntervalMs);
  const check = async () => {
    result = await remove();
    return result.found;
  };
  await untilAbsent(check, { sleep, maxChecks: maxChecks - 1 });
  return result.left;
}
