import { randomBytes } from 'node:crypto';
import { linkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { doubtOf, type Holder, type Identity, isLiving, ownIdentity, parseIdentity } from './lock-holder.ts';
import { inPlace, isAbsent, listDirectory, readFile, removeFile, statFile } from './state-files.ts';

export interface Lock extends Disposable {
  /** False where somebody has removed it: with --force, or with all of the directory. */
  isHeld(): boolean;
}

export interface LockOptions {
  /** Take over a lock whose holder cannot be judged. One that is known to live keeps its lock. */
  readonly force?: boolean;
  readonly link?: (from: string, to: string) => void;
}

/**
 * The lock, or who has it. A lock whose process is gone is taken over.
 *
 * It is a row of files, `lock.1`, `lock.2`, …: who comes links the next one, which only one can. A dead holder's file is
 * not overwritten, since between the look and the write somebody else may have come to life in it. Whoever then finds
 * that another lives beside it steps back, so two that come at one instant may both step back and come again.
 */
export function takeLock(file: string, { force = false, link = linkSync }: LockOptions = {}): Lock | Holder {
  const identity = ownIdentity();
  // Not one that comes meanwhile: it may be another that was forced.
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
  throw new Error(`${file} is taken again and again; is another agent-flow starting?`);
}

function held(mine: string): Lock {
  const inode = statFile(mine)?.ino;
  const isHeld = () => {
    try {
      return statFile(mine)?.ino === inode;
    } catch {
      // A file system that does not answer says nothing of it.
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

/** Call `onLost` once it is not held any more. It is looked at again and again, `every` so many milliseconds. */
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

/** Who holds the lock; null where nobody living does. */
export const lockHolder = (file: string): Holder | null =>
  entries(file).find(({ holder }) => holder !== null)?.holder ?? null;

/** When it was taken, milliseconds since the epoch; null where nobody holds it. */
export function lockTakenAt(file: string): number | null {
  const held = entries(file).find(({ holder }) => holder !== null);
  const found = held && statFile(`${file}.${held.number}`);
  return found ? Math.floor(found.mtimeMs) : null;
}

interface Entry {
  readonly number: number;
  /** null: dead, or never whole. */
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
    // Nothing that we have ever made is a link or a directory.
    const isNone =
      isAbsent(error) || ['EINVAL', 'ELOOP', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
    return isNone ? null : unreadable(error);
  }
  if (identity === null) return null;
  const lives = isLiving(identity, here);
  if (lives === false) return null;
  return { identity, doubt: lives ? null : doubtOf(identity, here) };
}

const unreadable = (error: unknown): Holder => ({
  identity: null,
  doubt: `its lock cannot be read: ${(error as Error).message}`,
});

/** Appears whole or not at all; false where somebody else's is there. */
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
      // A network file system whose answer was lost is asked again, and then finds the link that it made.
      return isLinked(aside);
    } finally {
      rmSync(aside, { force: true });
    }
  });
}

/** What file systems without hard links say. */
const linkless = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

const isLinked = (aside: string) => (statSync(aside, { throwIfNoEntry: false })?.nlink ?? 0) > 1;

/**
 * Without links it is empty for a moment, and looks dead. Who then takes the next number has written its own before it
 * looks again, so that of two the later one to write steps back.
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
