import { classify } from './classify-error.ts';
import type { Docker } from './cli.ts';

export interface HeartbeatOptions {
  readonly docker: Docker;
  /** Return whether the engine is needed at this interval. */
  readonly isNeeded: () => boolean;
  readonly signal: AbortSignal;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random?: (() => number) | undefined;
  /** Called once when the engine does not respond any more. */
  readonly onSilent: (reason: string) => void;
  /** Called once when it responds again. */
  readonly onResponse: () => void;
}

/** Milliseconds from the start of one call to that of the next. */
const intervalMs = 10_000;
const timeoutMs = 5_000;
/** A single call may be late on a busy machine. */
const missesUntilSilent = 2;

/**
 * Call an engine repeatedly, with a short timeout, until the signal fires: a stream of events stays open when the network
 * between is cut, and when the engine hangs. An engine that never responds in time is reported once.
 */
export async function heartbeat(options: HeartbeatOptions): Promise<void> {
  const { isNeeded, signal, sleep, random = Math.random, onSilent, onResponse } = options;
  let misses = 0;
  // A run with many engines starts no docker process for each of them at the same moment.
  await sleep(random() * intervalMs, signal).catch(() => {});
  while (!signal.aborted) {
    const pause = sleep(intervalMs, signal).catch(() => {});
    if (isNeeded()) {
      const failure = await failureOf(options);
      if (signal.aborted) return;
      if (failure === null && misses >= missesUntilSilent) onResponse();
      misses = failure === null ? 0 : misses + 1;
      if (failure !== null && misses === missesUntilSilent) onSilent(failure);
    }
    await pause;
  }
}

/** Return why the engine does not respond; null if it does, with an error or without. */
async function failureOf({ docker, signal }: HeartbeatOptions): Promise<string | null> {
  try {
    // Not `docker info`, which takes longer the more containers there are.
    const args = ['version', '--format={{.Server.Version}}'];
    const result = await docker(args, { timeout: timeoutMs, signal, isPolling: true });
    if (result.interrupted === 'timeout') return `no response within ${timeoutMs / 1000} s, twice in a row`;
    return !result.ok && classify(result) === 'unreachable' ? result.stderr.trim() : null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
