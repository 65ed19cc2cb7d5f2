import { basename, dirname } from 'node:path';
import { pauseSync } from '../async/pause-sync.ts';
import { createFileAtomic } from './create-file.ts';
import { doubtOf, type Holder, type Identity, isAlive, ownIdentity, parseIdentity } from './lock-holder.ts';
import { isAbsent, listDirectory, readFile, removeFile, statFile } from './state-files.ts';

export interface Lock extends Disposable {
  /** Report whether the lock file still exists: another process removes it with --force, or with the whole directory. */
  isHeld(): boolean;
}

export interface LockOptions {
  /** Take over a lock of which it is unknown whether the holder is alive. A holder known to be alive keeps it. */
  readonly force?: boolean;
  readonly link?: (from: string, to: string) => void;
}

/**
 * Take a lock, or return its holder. A lock whose process is gone is taken over.
 *
 * The lock is a series of files, `lock.1`, `lock.2`, …: a process takes it by linking the next one, which only one process
 * can. The file of a dead holder is not overwritten, since another process may take it over between check and write. A
 * process that then finds another live file removes its own and retries, so two that start at once may both retry.
 */
export function takeLock(file: string, { force = false, link }: LockOptions = {}): Lock | Holder {
  const identity = ownIdentity();
  // Only entries that exist now: a later one may be of another process with --force.
  const overridden = new Set(force ? entries(file).filter(isDoubtful).map(keyOf) : []);
  const blocks = (entry: Entry) => entry.holder !== null && !overridden.has(keyOf(entry));
  for (let tries = 0; tries < 50; tries++) {
    const before = entries(file);
    const living = before.find(blocks);
    if (living) return living.holder!;
    const number = Math.max(0, ...before.map(entry => entry.number)) + 1;
    const mine = `${file}.${number}`;
    // Without hard links the file is empty for a moment, as if its holder were gone. A process that takes the next number then
    // has written its own file before it checks again, so that the later writer of two backs off.
    if (!createFileAtomic(mine, `${JSON.stringify(identity)}\n`, { link })) continue;
    if (entries(file).some(entry => entry.number !== number && blocks(entry))) {
      removeFile(mine);
      pauseSync(1 + Math.random() * 20);
      continue;
    }
    for (const dead of before) removeFile(`${file}.${dead.number}`);
    return held(mine);
  }
  throw new Error(`${file} is contended; is another agent-flow starting?`);
}

function held(mine: string): Lock {
  const inode = statFile(mine)?.ino;
  const isHeld = () => {
    try {
      return statFile(mine)?.ino === inode;
    } catch {
      // An error of the file system is no evidence that the lock is lost.
      return true;
    }
  };
  return {
    isHeld,
    [Symbol.dispose]() {
      if (isHeld()) removeFile(mine);
    },
  };
}

/** Check every `every` milliseconds whether a lock is still held, and call `onLost` once when it is not. */
export function watchLock(lock: Lock, onLost: () => void, every = 1_000): Disposable {
  const timer = setInterval(() => {
    if (lock.isHeld()) return;
    clearInterval(timer);
    onLost();
  }, every);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

export const isLock = (lock: Lock | Holder): lock is Lock => Symbol.dispose in lock;

/** Return the holder of a lock; null if no live process holds it. */
export const lockHolder = (file: string): Holder | null =>
  entries(file).find(({ holder }) => holder !== null)?.holder ?? null;

/** Return when a lock was taken, milliseconds since the epoch; null if no live process holds it. */
export function lockTakenAt(file: string): number | null {
  const held = entries(file).find(({ holder }) => holder !== null);
  const found = held && statFile(`${file}.${held.number}`);
  return found ? Math.floor(found.mtimeMs) : null;
}

interface Entry {
  readonly number: number;
  /** null: the holder is dead, or the file was never complete. */
  readonly holder: Holder | null;
}

const isDoubtful = ({ holder }: Entry) => holder !== null && holder.doubt !== null;
const keyOf = ({ number, holder }: Entry) => `${number} ${JSON.stringify(holder?.identity)}`;

function entries(file: string): Entry[] {
  const prefix = `${basename(file)}.`;
  const here = ownIdentity();
  try {
    return listDirectory(dirname(file)).flatMap(name => {
      const number = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : Number.NaN;
      return Number.isInteger(number) && number > 0
        ? [{ number, holder: holderOf(`${file}.${number}`, here) }]
        : [];
    });
  } catch (error) {
    return isAbsent(error) ? [] : [{ number: 0, holder: unreadable(error) }];
  }
}

function holderOf(path: string, here: Identity): Holder | null {
  let identity: Identity | null;
  try {
    identity = parseIdentity(readFile(path).toString());
  } catch (error) {
    // A link or a directory is not a lock file of ours.
    const isNone =
      isAbsent(error) || ['EINVAL', 'ELOOP', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
    return isNone ? null : unreadable(error);
  }
  if (identity === null) return null;
  const lives = isAlive(identity, here);
  if (lives === false) return null;
  return { identity, doubt: lives ? null : doubtOf(identity, here) };
}

const unreadable = (error: unknown): Holder => ({
  identity: null,
  doubt: `its lock cannot be read: ${(error as Error).message}`,
});
