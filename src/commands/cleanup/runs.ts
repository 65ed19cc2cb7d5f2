import { join } from 'node:path';
import type { Container } from '../../docker/containers.ts';
import { label } from '../../docker/labels.ts';
import { readJournal } from '../../store/journal.ts';
import { isLock, lockHolder, takeLock } from '../../store/lock.ts';
import { explainHolder, nameOf } from '../../store/lock-holder.ts';
import { type RunFolder, removeRun, type StateDir } from '../../store/state-directory.ts';
import { statFile } from '../../store/state-files.ts';
import { formatDuration } from '../../text/duration.ts';
import { oneLine } from '../../text/text.ts';
import type { Skipped } from './skipped.ts';

export interface DoomedRun {
  readonly folder: RunFolder;
  readonly about: string;
}

export interface Whereabouts {
  /** Containers that stay. */
  readonly staying: readonly Container[];
  /** Runs whose engine does not say whether they have any. */
  readonly unknown: readonly string[];
}

/**
 * The runs of a state directory whose last event was `olderThan` milliseconds ago, and those of them that are left alone.
 * `force`: also those of an engine process of which nobody here can know whether it lives.
 */
export function findRuns(
  state: StateDir,
  { olderThan, force }: { readonly olderThan: number; readonly force: boolean },
  { staying, unknown }: Whereabouts,
  now: number,
) {
  const doomed: DoomedRun[] = [];
  const left: Skipped[] = [];
  if (statFile(join(state.path, 'runs'))?.isSymbolicLink())
    return { doomed, left: [{ name: 'runs', why: 'it is a symbolic link' }] };
  for (const folder of state.runs()) {
    if (!statFile(folder.journal)?.isFile()) continue;
    const { events } = readJournal(folder.journal);
    const last = events.at(-1);
    if (last === undefined || now - last.at <= olderThan) continue;
    const began = events.findLastIndex(event => event.type === 'run.started');
    const isOver = events.findLastIndex(event => event.type === 'run.ended') > began;
    const container = staying.find(({ labels }) => isOf(labels, state, folder.runId));
    const leave = (why: string) => left.push({ name: folder.runId, why });
    const holder = lockHolder(folder.lock);
    if (holder !== null && !(force && holder.doubt !== null))
      leave(`it is driven by ${explainHolder(holder)}`);
    else if (!isOver) leave(`it is not over; agent-flow stop ${folder.runId} ends it`);
    else if (unknown.includes(folder.runId)) leave('its Docker engine does not say what it has left');
    else if (container) leave(`it has container ${container.name} left`);
    else {
      const started = events[began];
      const name = started?.type === 'run.started' ? oneLine(started.name) : '';
      doomed.push({ folder, about: `of ${name}, ended ${age(now - last.at)} ago` });
    }
  }
  return { doomed, left };
}

export const isOf = (labels: Container['labels'], state: StateDir, runId: string) =>
  labels[label.instance] === state.instance && labels[label.runId] === runId;

const age = (ms: number) => {
  const days = Math.floor(ms / 86_400_000);
  return days === 0 ? formatDuration(ms) : `${days} d`;
};

/** Null when it is gone, else why it is still there. `empty` may do what this user may not: a clone can hold what is root's. */
export async function removeRunFolder(
  folder: RunFolder,
  empty: (folder: string) => Promise<unknown>,
  force: boolean,
): Promise<string | null> {
  // Held while it is removed: nobody takes it up again at the same moment.
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
