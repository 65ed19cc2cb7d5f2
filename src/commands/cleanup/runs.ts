import { join } from 'node:path';
import type { Container } from '../../docker/containers.ts';
import { label } from '../../docker/labels.ts';
import { isLock, lockHolder, takeLock } from '../../store/lock.ts';
import { explainHolder, nameOf } from '../../store/lock-holder.ts';
import { readJournal } from '../../store/read-journal.ts';
import { type RunFolder, removeRun, type StateDir } from '../../store/state-directory.ts';
import { statFile } from '../../store/state-files.ts';
import { formatDuration } from '../../text/duration.ts';
import { oneLine } from '../../text/text.ts';
import { inUseBy, keptByReruns, usersOfRuns } from './reused-runs.ts';
import type { Skipped } from './skipped.ts';

export interface RemovableRun {
  readonly folder: RunFolder;
  readonly about: string;
}

export interface RemainingContainers {
  /** Containers that will not be removed. */
  readonly staying: readonly Container[];
  /** Runs on an unreachable engine, which may have some. */
  readonly unreachable: readonly string[];
}

/**
 * Find runs whose last event is more than `olderThan` milliseconds old: those to remove, and those to skip. `force`
 * includes runs whose supervisor cannot be checked.
 */
export function findRuns(
  state: StateDir,
  { olderThan, force }: { readonly olderThan: number; readonly force: boolean },
  { staying, unreachable }: RemainingContainers,
  now: number,
) {
  const removable: RemovableRun[] = [];
  const skipped: Skipped[] = [];
  if (statFile(join(state.path, 'runs'))?.isSymbolicLink())
    return { removable, skipped: [{ name: 'runs', why: 'it is a symbolic link' }] };
  for (const folder of state.runs()) {
    if (!statFile(folder.journal)?.isFile()) continue;
    const { events } = readJournal(folder.journal);
    const last = events.at(-1);
    if (last === undefined || now - last.at <= olderThan) continue;
    const began = events.findLastIndex(event => event.type === 'run.started');
    const isOver = events.findLastIndex(event => event.type === 'run.ended') > began;
    const container = staying.find(({ labels }) => isOf(labels, state, folder.runId));
    const skip = (why: string) => skipped.push({ name: folder.runId, why });
    const holder = lockHolder(folder.lock);
    if (holder !== null && !(force && holder.doubt !== null))
      skip(`it is being executed by ${explainHolder(holder)}`);
    else if (!isOver) skip(`it has not finished. Run agent-flow stop ${folder.runId}`);
    else if (unreachable.includes(folder.runId)) skip('its Docker engine is unreachable');
    else if (container) skip(`container ${container.name} still exists`);
    else {
      const started = events[began];
      const name = started?.type === 'run.started' ? oneLine(started.name) : '';
      removable.push({ folder, about: `of ${name}, finished ${age(now - last.at)} ago` });
    }
  }
  const kept = keptByReruns(
    usersOfRuns(state),
    removable.map(({ folder }) => folder.runId),
  );
  return {
    removable: removable.filter(({ folder }) => !kept.has(folder.runId)),
    skipped: [...skipped, ...[...kept].map(([name, users]) => ({ name, why: inUseBy(users) }))],
  };
}

export const isOf = (labels: Container['labels'], state: StateDir, runId: string) =>
  labels[label.instance] === state.instance && labels[label.runId] === runId;

const age = (ms: number) => {
  const days = Math.floor(ms / 86_400_000);
  return days === 0 ? formatDuration(ms) : `${days} d`;
};

/**
 * Remove the folder of a run. Return null, or the reason why it still exists. `empty` removes files that this user may not,
 * such as root's in a clone.
 */
export async function removeRunFolder(
  folder: RunFolder,
  empty: (folder: string) => Promise<unknown>,
  force: boolean,
): Promise<string | null> {
  // Hold the lock meanwhile, so that no other process resumes the run.
  const lock = takeLock(folder.lock, { force });
  if (!isLock(lock)) return `${nameOf(lock)} has just taken it over`;
  try {
    try {
      removeRun(folder);
    } catch (error) {
      if (!['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      await empty(join(folder.path, 'agents'));
      removeRun(folder);
    }
    return null;
  } catch (error) {
    lock[Symbol.dispose]();
    return oneLine((error as Error).message);
  }
}
