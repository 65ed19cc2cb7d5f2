import { randomBytes } from 'node:crypto';
import { readlinkSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { isLiving, ownProcess } from './process-identity.ts';

/** The lock was not released in time. The work was not done. */
export class LockTimeoutError extends Error {
  override readonly name = 'LockTimeoutError';
  readonly holder: string | null;
  constructor(file: string, holder: string | null, timeoutMs: number) {
    const name = holder === null ? 'another process' : `process ${holder.split('.')[0]}`;
    super(`${name} has held ${file} for ${timeoutMs / 1000} s`);
    this.holder = holder;
  }
}

const pollIntervalMs = 10;

/**
 * Run work while no other process that takes the same lock does.
 *
 * The lock is a symbolic link whose target names its holder by pid and start time, so it appears with its holder or not
 * at all. A holder that is gone is replaced, a holder that lives never is: after the timeout, `LockTimeoutError` is
 * thrown. Only its holder removes a lock.
 */
export function withLock<T>(file: string, work: () => T, timeoutMs: number): T {
  const own = `${ownProcess()}.${randomBytes(4).toString('hex')}`;
  const deadline = performance.now() + timeoutMs;
  while (!take(file, { own, base: file })) {
    if (performance.now() >= deadline) throw new LockTimeoutError(file, holderOf(file), timeoutMs);
    pause(pollIntervalMs);
  }
  try {
    return work();
  } finally {
    release(file, own);
  }
}

interface Attempt {
  readonly own: string;
  /** The lock itself, by which the locks of replacements are named. */
  readonly base: string;
}

function take(file: string, attempt: Attempt): boolean {
  if (link(file, attempt.own)) return true;
  const holder = holderOf(file);
  return holder !== null && !isLiving(holder) && replace(file, holder, attempt);
}

/**
 * Replace the lock of a holder that is gone. Another process may have done so since the holder was read, and hold the lock
 * by now. So a replacement takes another lock, for this holder only, and reads the holder again.
 */
function replace(file: string, gone: string, attempt: Attempt): boolean {
  const { own, base } = attempt;
  const guard = `${base}-${gone}`;
  if (!take(guard, attempt)) return false;
  try {
    if (holderOf(file) !== gone) return false;
    const aside = `${base}-new-${own}`;
    symlinkSync(own, aside);
    renameSync(aside, file);
    return true;
  } finally {
    release(guard, own);
  }
}

function release(file: string, own: string): void {
  if (holderOf(file) === own) unlinkSync(file);
}

function link(file: string, own: string): boolean {
  try {
    symlinkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Return null if the lock is free, or is not a lock of ours. */
function holderOf(file: string): string | null {
  try {
    return readlinkSync(file);
  } catch {
    return null;
  }
}

const pause = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
