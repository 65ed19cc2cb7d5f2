import { systemClock } from '../clock.ts';
import { UsageError } from '../errors.ts';
import { daemonLock, supervisor } from '../run/supervisor.ts';
import { isLock, takeLock } from '../store/lock.ts';
import { explainHolder } from '../store/lock-holder.ts';
import { openStateDir, type StateDir, stateDirPath } from '../store/state-directory.ts';
import { type Command, type CommonOptions, say } from './command.ts';
import { printStatus } from './daemon/status.ts';
import { ignoreBrokenPipe } from './streams.ts';

interface DaemonOptions extends CommonOptions {
  readonly action?: 'status';
  readonly once: boolean;
  readonly force: boolean;
  readonly json: boolean;
}

/** Milliseconds between two looks for runs that nobody drives. */
const lookEvery = 3_000;

export const daemon: Command = {
  usage: 'daemon [action]',
  describe: 'take up every run that nobody drives',
  options: yargs =>
    yargs
      .positional('action', {
        choices: ['status'],
        describe: 'status: whether one lives, and who drives which run',
      })
      .option('once', {
        type: 'boolean',
        default: false,
        describe: 'look once, see through what was found, and end',
      })
      .option('force', {
        type: 'boolean',
        default: false,
        describe: 'take over from a daemon that cannot be seen from here',
      })
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'with status: print it as one line of JSON',
      })
      .check(({ action, once, json, force }) => {
        if (force && (once || action === 'status'))
          throw new Error('--force is for the daemon that stays: leave it out');
        if (action === 'status' && once)
          throw new Error('status looks at nothing but the daemon: leave --once out');
        if (action === undefined && json)
          throw new Error('--json goes with status: agent-flow daemon status --json');
        return true;
      })
      .example('$0 daemon', 'for as long as it lives')
      .example('$0 daemon --once', 'for cron'),

  async handler({ stateDir, action, once, force, json }: DaemonOptions) {
    const state = openStateDir(stateDirPath(stateDir, process.env));
    if (action === 'status') return printStatus(state, json);
    ignoreBrokenPipe();
    return once ? seeOnce(state) : supervise(state, force);
  },
};

/** Each run has a lock of its own, so this may go on beside a daemon. */
async function seeOnce(stateDir: StateDir): Promise<number> {
  const runs = supervisor({ stateDir, log: tell, signal: abortOnSignal() });
  await runs.poll();
  return runs.idle();
}

async function supervise(stateDir: StateDir, force: boolean): Promise<number> {
  const lock = takeLock(daemonLock(stateDir), { force });
  if (!isLock(lock))
    throw new UsageError(`a daemon of ${stateDir.path} lives already: ${explainHolder(lock)}`);
  const signal = abortOnSignal();
  try {
    tell(`daemon of ${stateDir.path}: process ${process.pid}`);
    const runs = supervisor({ stateDir, log: tell, signal });
    while (!signal.aborted && lock.isHeld()) {
      await runs.poll();
      await systemClock.sleep(lookEvery, signal).catch(() => {});
    }
    if (!signal.aborted) tell('another daemon has taken over: it drives what comes next');
    await runs.idle();
    tell('daemon over: what it drove, its next start takes up');
    return 0;
  } finally {
    lock[Symbol.dispose]();
  }
}

/** Fires at the first signal, of whatever kind; a second one does not even wait for what that asks for. */
function abortOnSignal(): AbortSignal {
  const letting = new AbortController();
  const onSignal = () => {
    if (letting.signal.aborted) process.exit(1);
    letting.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal);
  return letting.signal;
}

const tell = (line: string) => say(`${new Date().toTimeString().slice(0, 8)} ${line}`);
