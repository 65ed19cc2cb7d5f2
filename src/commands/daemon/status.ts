import { type Holder, lockHolder, lockTakenAt } from '../../engine/lock.ts';
import type { StateDir } from '../../engine/state-dir.ts';
import { daemonLock } from '../../engine/supervise.ts';
import { spoken } from '../../views/duration.ts';
import { forLog } from '../../views/log-text.ts';
import { table } from '../../views/table.ts';
import { oneLine } from '../../views/text.ts';
import { printJson } from '../command.ts';
import { readRun } from '../find-agent.ts';

/** Whether a daemon lives, and who drives which run that is not over. */
export function printStatus(stateDir: StateDir, json: boolean): number {
  const lock = daemonLock(stateDir);
  const holder = lockHolder(lock);
  const since = holder === null ? null : lockTakenAt(lock);
  const runs = stateDir
    .runs()
    .map(folder => ({ ...readRun(folder), engine: lockHolder(folder.lock) }))
    .filter(({ state, engine }) => state.ended === null || engine !== null)
    .map(({ folder, state, engine }) => ({
      run: folder.runId,
      name: state.name,
      engine: engine && { pid: engine.pid, host: engine.host },
      drivenByDaemon: engine !== null && holder !== null && isSame(engine, holder),
    }));
  const lives = holder && { pid: holder.pid, host: holder.host, since };
  if (json) {
    printJson({ daemon: lives, runs });
    return 0;
  }
  const about =
    lives === null
      ? `no daemon of ${stateDir.path} lives`
      : `a daemon lives: process ${lives.pid} on ${lives.host}${since === null ? '' : `, for ${spoken(Date.now() - since)}`}`;
  process.stdout.write(`${forLog(oneLine(about))}\n`);
  if (runs.length === 0) return 0;
  const driver = (run: (typeof runs)[number]) =>
    run.drivenByDaemon
      ? 'the daemon'
      : run.engine === null
        ? 'nobody'
        : `process ${run.engine.pid} on ${run.engine.host}`;
  const rows = runs.map(run => [run.run, oneLine(run.name), driver(run)]);
  process.stdout.write(`${table([['RUN', 'NAME', 'DRIVEN BY'], ...rows])}\n`);
  return 0;
}

const isSame = (a: Holder, b: Holder) =>
  a.pid === b.pid && a.host === b.host && a.boot === b.boot && a.started === b.started;
