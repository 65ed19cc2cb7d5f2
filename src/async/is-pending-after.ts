export interface PendingOptions {
  readonly signal: AbortSignal;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Return whether the work is still pending after `ms` milliseconds. Rejects as the work does. */
export async function isPendingAfter(
  work: Promise<unknown>,
  ms: number,
  { signal, sleep }: PendingOptions,
): Promise<boolean> {
  const settled = new AbortController();
  const later = sleep(ms, AbortSignal.any([signal, settled.signal])).then(
    () => true,
    () => false,
  );
  return Promise.race([work.then(() => false), later]).finally(() => settled.abort());
}
