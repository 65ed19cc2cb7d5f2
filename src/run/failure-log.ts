import { FlowError } from '../errors.ts';
import { oneLine } from '../text/text.ts';

/** Logs repeated failures once each, and increases the pause between tries. */
export interface FailureLog {
  /** Log the failure of a run, or of something else by this name, unless its last one had the same reason. */
  add(name: string, error: unknown, what: string): void;
  /** Log that the Docker engine of a run cannot be reached, once for all runs of that engine. */
  addEngine(name: string, error: unknown): void;
  /** Return whether the next try of a run is not due yet. */
  isWaiting(name: string): boolean;
  /** Forget that the Docker engine of a run could not be reached. */
  clearEngine(name: string): void;
  clear(name: string): void;
  /** Return the largest exit code so far. */
  exitCode(): number;
}

/** Milliseconds; a pause is twice as long as the one before. */
const firstPause = 5_000;
const longestPause = { run: 10 * 60_000, engine: 60_000 } as const;

interface Wait {
  readonly reason: string;
  /** Milliseconds of the monotonic clock. */
  readonly until: number;
  readonly pause: number;
}

type Waits = Map<string, Wait>;

/** `now` is in milliseconds of a monotonic clock. */
export function failureLog(log: (line: string) => void, now: () => number): FailureLog {
  const runs: Waits = new Map();
  /** Runs whose Docker engine cannot be reached. */
  const engines: Waits = new Map();
  let worst = 0;
  const reasonOf = (error: unknown) => {
    worst = Math.max(worst, error instanceof FlowError ? error.exitCode : 1);
    return oneLine(error instanceof Error ? error.message : String(error));
  };
  const wait = (waits: Waits, name: string, reason: string, longest: number) => {
    const before = waits.get(name);
    const pause = before ? Math.min(longest, before.pause * 2) : firstPause;
    waits.set(name, { reason, until: now() + pause, pause });
  };
  const isWaiting = (waits: Waits, name: string) => {
    const until = waits.get(name)?.until;
    return until !== undefined && until > now();
  };
  return {
    add(name, error, what) {
      const reason = reasonOf(error);
      if (runs.get(name)?.reason !== reason) log(`${name} ${what}: ${reason}`);
      wait(runs, name, reason, longestPause.run);
    },
    addEngine(name, error) {
      const reason = reasonOf(error);
      const isLogged = [...engines.values()].some(known => known.reason === reason);
      if (!isLogged) log(`runs wait for the Docker engine: ${reason}`);
      wait(engines, name, reason, longestPause.engine);
    },
    isWaiting: name => isWaiting(runs, name) || isWaiting(engines, name),
    clearEngine: name => void engines.delete(name),
    clear: name => void runs.delete(name),
    exitCode: () => worst,
  };
}
