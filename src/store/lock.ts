import { randomBytes } from 'node:crypto';
import { linkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { doubtOf, type Holder, type Identity, isAlive, ownIdentity, parseIdentity } from './lock-holder.ts';
import { inPlace, isAbsent, listDirectory, readFile, removeFile, statFile } from './state-files.ts';

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
export function takeLock(file: string, { force = false, link = linkSync }: LockOptions = {}): Lock | Holder {
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
    if (!linkWhole(mine, identity, link)) continue;
    if (entries(file).some(entry => entry.number !== number && blocks(entry))) {
      removeFile(mine);
      pause(1 + Math.random() * 20);
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

/** Create a lock file with its content in one step. Returns false if the file exists. */
function linkWhole(file: string, identity: Identity, link: NonNullable<LockOptions['link']>): boolean {
  const content = `${JSON.stringify(identity)}\n`;
  return inPlace(file, path => {
    const aside = `${path}-${randomBytes(6).toString('hex')}`;
    try {
      writeFileSync(aside, content, { flag: 'wx', mode: 0o600 });
      link(aside, path);
      return true;
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (linkless.includes(code)) return writeWhole(path, content);
      if (code !== 'EEXIST') throw error;
      // A network file system may retry a link whose response was lost, and then finds its own.
      return isLinked(aside);
    } finally {
      rmSync(aside, { force: true });
    }
  });
}

/** Errors of file systems without hard links. */
const linkless = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

const isLinked = (aside: string) => (statSync(aside, { throwIfNoEntry: false })?.nlink ?? 0) > 1;

/**
 * Create a lock file on a file system without hard links. It is empty for a moment, as if its holder were gone. A process
 * that takes the next number then has written its own file before it checks again, so that the later writer of two backs
 * off.
 */
function writeWhole(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    rmSync(path, { force: true });
    throw error;
  }
}

const pause = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
