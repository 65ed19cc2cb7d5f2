import type { Run } from './run.ts';

/**
 * Signals of this process, for all of its runs: the first one stops and removes everything, the second one removes it at
 * once. SIGHUP detaches.
 */
export interface Signals {
  /** Add a run. A run that begins after a signal is cancelled as soon as possible. */
  cover(started: Promise<Run>): void;
  /** Return the exit code of the signal that ended the runs; null if none did. */
  exitCode(): number | null;
  /** Note the end of one run. After the last one any signal exits at once, with the exit code of the first signal. */
  runIsOver(): void;
}

/** Time for runs to end after the second signal. */
const killTimeoutMs = 10_000;

const codes = { SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof codes;

/** Handle the signals of this process until `count` runs have ended. */
export function handleSignals(count: number, signals: NodeJS.Process = process): Signals {
  const covered: Promise<Run>[] = [];
  let first: Signal | null = null;
  let isKilled = false;
  let left = count;
  const exitCode = () => first && codes[first];
  // A run that cannot begin reports that to the caller that awaits it.
  const withRun = (started: Promise<Run>, act: (run: Run) => void) => void started.then(act).catch(() => {});
  const cancel = (started: Promise<Run>) => {
    if (first !== null) withRun(started, run => run.cancel(first!));
    if (isKilled) withRun(started, run => run.kill());
  };
  const onSignal = (signal: Signal) => {
    if (left === 0) return signals.exit(exitCode() ?? codes[signal]);
    if (first === null) {
      first = signal;
      for (const started of covered) cancel(started);
      return;
    }
    isKilled = true;
    for (const started of covered) withRun(started, run => run.kill());
    // A Docker engine that hangs must not keep the user waiting.
    setTimeout(() => signals.exit(exitCode()), killTimeoutMs).unref();
  };
  const onHangUp = () => signals.exit(129);
  signals.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onHangUp);
  return {
    cover(started) {
      covered.push(started);
      cancel(started);
    },
    exitCode,
    runIsOver() {
      left--;
    },
  };
}
