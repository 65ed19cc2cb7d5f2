import type { Run } from './conduct.ts';

/** What a signal means: once, stop and remove everything; twice, remove it at once; SIGHUP lets go of what lives. */
export interface Signals {
  /** Of the signal that ended the run; null where none did. */
  exitCode(): number | null;
  /** The run is over: from here on any signal ends this process at once, with the exit code that the first one has. */
  runIsOver(): void;
}

/** Longest time, in milliseconds, that a run may take to get away after the second signal. */
const patience = 10_000;

const codes = { SIGINT: 130, SIGTERM: 143 } as const;

export function obeySignals(started: Promise<Run>, signals: NodeJS.Process = process): Signals {
  let first: number | null = null;
  let isOver = false;
  const onSignal = (signal: keyof typeof codes) => {
    if (isOver) return signals.exit(first ?? codes[signal]);
    if (first === null) {
      first = codes[signal];
      // A run that is only just beginning is cancelled as soon as it can be.
      started.then(run => run.cancel(signal)).catch(() => {});
      return;
    }
    started.then(run => run.kill()).catch(() => {});
    // Docker that does not answer must not keep a person waiting for ever.
    setTimeout(() => signals.exit(first), patience).unref();
  };
  const onHangUp = () => signals.exit(129);
  signals.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onHangUp);
  return {
    exitCode: () => first,
    runIsOver() {
      isOver = true;
    },
  };
}
