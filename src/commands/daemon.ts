import { systemClock } from '../clock.ts';
import { UsageError } from '../errors.ts';
import { daemonLock, resumer } from '../run/resume-all.ts';
import { isLock, takeLock } from '../store/lock.ts';
import { explainHolder } from '../store/lock-holder.ts';
import { openStateDir, type StateDir, stateDirPath } from '../store/state-directory.ts';
import { type Command, type CommonOptions, printLine } from './command.ts';
import { printStatus } from './daemon/status.ts';
import { ignoreBrokenPipe } from './streams.ts';

interface DaemonOptions extends CommonOptions {
  readonly action?: 'status';
  readonly once: boolean;
  readonly force: boolean;
  readonly json: boolean;
}

const scanIntervalMs = 3_000;

export const daemon: Command = {
  options: yargs =>
    yargs
      .positional('action', {
        choices: ['status'],
        describe: 'Print the daemon and the process of each run (status)',
      })
      .option('once', {
        type: 'boolean',
        default: false,
        describe: 'Scan once, wait for those runs, and exit',
      })
      .option('force', {
        type: 'boolean',
        default: false,
        describe: 'Take over from a daemon whose process cannot be checked',
      })
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'With status: print it as one line of JSON',
      })
      .check(({ action, once, json, force }) => {
        if (force && (once || action === 'status'))
          throw new Error('--force cannot be combined with --once or status');
        if (action === 'status' && once) throw new Error('--once cannot be combined with status');
        if (action === undefined && json)
          throw new Error('--json requires status: agent-flow daemon status --json');
        return true;
      })
      .example('$0 daemon', 'Run in the foreground until a signal')
      .example('$0 daemon --once', 'Run from cron'),

  async handler({ stateDir, action, once, force, json }: DaemonOptions) {
    const state = openStateDir(stateDirPath(stateDir, process.env));
    if (action === 'status') return printStatus(state, json);
    ignoreBrokenPipe();
    return once ? resumeOnce(state) : resumeForever(state, force);
  },
};

/** Scan once. Each run has its own lock, so this is safe beside a daemon. */
async function resumeOnce(stateDir: StateDir): Promise<number> {
  const runs = resumer({ stateDir, log, signal: abortOnSignal() });
  await runs.poll();
  return runs.idle();
}

async function resumeForever(stateDir: StateDir, force: boolean): Promise<number> {
  const lock = takeLock(daemonLock(stateDir), { force });
  if (!isLock(lock))
    throw new UsageError(`a daemon for ${stateDir.path} is already running: ${explainHolder(lock)}`);
  const signal = abortOnSignal();
  try {
    log(`daemon for ${stateDir.path} started: process ${process.pid}`);
    const runs = resumer({ stateDir, log, signal });
    while (!signal.aborted && lock.isHeld()) {
      await runs.poll();
      await systemClock.sleep(scanIntervalMs, signal).catch(() => {});
    }
    if (!signal.aborted) log('another daemon has taken over; waiting for the runs of this one');
    await runs.idle();
    log('daemon stopped; its next start resumes the unfinished runs');
    return 0;
  } finally {
    lock[Symbol.dispose]();
  }
}

/** Return a signal that aborts at the first SIGINT, SIGTERM or SIGHUP; a second one exits at once. */
function abortOnSignal(): AbortSignal {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal);
  return controller.signal;
}

const log = (line: string) => printLine(`${new Date().toTimeString().slice(0, 8)} ${line}`);
