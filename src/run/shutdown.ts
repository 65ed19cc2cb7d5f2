import type { Run } from './run.ts';

/**
 * What a signal means to all runs of this process: once, stop and remove everything; twice, remove it at once; SIGHUP lets
 * go of what lives.
 */
export interface Signals {
  /** Has a run obey; one that begins after a signal is cancelled as soon as it can be. */
  cover(started: Promise<Run>): void;
  /** Of the signal that ended the runs; null where none did. */
  exitCode(): number | null;
  /** One run is over. After the last one any signal ends this process at once, with the exit code that the first has. */
  runIsOver(): void;
}

/** Longest time, in milliseconds, that runs may take to get away after the second signal. */
const patience = 10_000;

const codes = { SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof codes;

/** Obey the signals of this process until so many runs are over. */
export function handleSignals(count: number, signals: NodeJS.Process = process): Signals {
  const covered: Promise<Run>[] = [];
  let first: Signal | null = null;
  let isHurried = false;
  let left = count;
  const exitCode = () => first && codes[first];
  // What has failed to begin says so where it is awaited.
  const tell = (started: Promise<Run>, what: (run: Run) => void) => void started.then(what).catch(() => {});
  const cancel = (started: Promise<Run>) => {
    if (first !== null) tell(started, run => run.cancel(first!));
    if (isHurried) tell(started, run => run.kill());
  };
  const onSignal = (signal: Signal) => {
    if (left === 0) return signals.exit(exitCode() ?? codes[signal]);
    if (first === null) {
      first = signal;
      for (const started of covered) cancel(started);
      return;
    }
    isHurried = true;
    for (const started of covered) tell(started, run => run.kill());
    // Docker that does not answer must not keep a person waiting for ever.
    setTimeout(() => signals.exit(exitCode()), patience).unref();
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
