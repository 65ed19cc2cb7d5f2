import { isDeepStrictEqual } from 'node:util';
import { daemonLock } from '../../run/resume-all.ts';
import { lockHolder, lockTakenAt } from '../../store/lock.ts';
import { type Holder, nameOf } from '../../store/lock-holder.ts';
import type { StateDir } from '../../store/state-directory.ts';
import { formatDuration } from '../../text/duration.ts';
import { forLog } from '../../text/log-text.ts';
import { table } from '../../text/table.ts';
import { oneLine } from '../../text/text.ts';
import { printJson } from '../command.ts';
import { cannotBeRead, readRuns } from '../find-agent.ts';

/** Print whether a daemon is running, and the supervisor of each unfinished run. */
export function printStatus(stateDir: StateDir, json: boolean): number {
  const lock = daemonLock(stateDir);
  const holder = lockHolder(lock);
  const since = holder === null ? null : lockTakenAt(lock);
  const runs = readRuns(stateDir.runs(), cannotBeRead)
    .map(run => ({ ...run, engine: lockHolder(run.folder.lock) }))
    .filter(({ state, engine }) => state.ended === null || engine !== null)
    .map(({ folder, state, engine }) => ({
      run: folder.runId,
      name: state.name,
      engine: engine && shown(engine),
      driver: driverOf(engine, holder),
      drivenByDaemon: isSame(engine, holder),
    }));
  if (json) {
    const daemon = holder && { ...shown(holder), since };
    printJson({ daemon, runs: runs.map(({ driver: _, ...run }) => run) });
    return 0;
  }
  const about =
    holder === null
      ? `no daemon is running for ${stateDir.path}`
      : `a daemon is running: ${nameOf(holder)}${since === null ? '' : `, for ${formatDuration(Date.now() - since)}`}`;
  process.stdout.write(`${forLog(oneLine(about))}\n`);
  if (runs.length === 0) return 0;
  const rows = runs.map(run => [run.run, oneLine(run.name), run.driver]);
  process.stdout.write(`${table([['RUN', 'NAME', 'EXECUTED BY'], ...rows])}\n`);
  return 0;
}

const shown = ({ identity }: Holder) => ({ pid: identity?.pid ?? null, host: identity?.host ?? null });

function driverOf(engine: Holder | null, daemon: Holder | null): string {
  if (engine === null) return 'no process';
  return isSame(engine, daemon) ? 'the daemon' : nameOf(engine);
}

const isSame = (a: Holder | null, b: Holder | null) =>
  a?.identity != null && isDeepStrictEqual(a.identity, b?.identity);
