export interface PendingOptions {
  readonly signal: AbortSignal;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Resolve with whether the work is still under way after `ms` milliseconds. */
export async function isPendingAfter(
  work: Promise<unknown>,
  ms: number,
  { signal, sleep }: PendingOptions,
): Promise<boolean> {
  const over = new AbortController();
  const later = sleep(ms, AbortSignal.any([signal, over.signal])).then(
    () => true,
    () => false,
  );
  return Promise.race([work.then(() => false), later]).finally(() => over.abort());
}
