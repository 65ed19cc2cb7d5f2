import type { Clock } from '../clock.ts';

/** Milliseconds after which a change of the wall clock or a suspend of the machine is noticed. */
const checkIntervalMs = 60_000;

/**
 * Wait until `at`, milliseconds since the epoch. The wall clock may be set meanwhile: forwards, as after a suspend, ends
 * the wait; backwards does not prolong it.
 */
export async function sleepUntil(
  { now, sleep }: Pick<Clock, 'now' | 'sleep'>,
  at: number,
  signal: AbortSignal,
): Promise<void> {
  for (let left = at - now(); left > 0 && now() < at; left -= checkIntervalMs)
    await sleep(Math.min(left, checkIntervalMs), signal);
}
