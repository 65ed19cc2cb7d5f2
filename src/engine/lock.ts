import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname } from 'node:path';
import { inPlace, listDirectory, readFile, removeFile, statFile } from '../store/state-files.ts';
import { oneLine } from '../views/text.ts';

/** Who drives a run. Pids are used again, so the process's start time and the boot belong to its name. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly boot: string;
  readonly started: string;
}

export interface Lock extends Disposable {
  readonly holder: Holder;
}

/**
 * The lock, or who has it. A lock whose process is gone is taken over.
 *
 * It is a row of files, `lock.1`, `lock.2`, …: who comes links the next one, which only one can. A dead holder's file is
 * not overwritten, since between the look and the write somebody else may have come to life in it. Whoever then finds
 * that another lives beside it steps back, so two that come at one instant may both step back and come again.
 */
export function takeLock(file: string): Lock | Holder {
  const holder = self();
  for (let tries = 0; tries < 50; tries++) {
    const before = entries(file);
    const living = before.find(({ holder }) => holder !== null);
    if (living) return living.holder!;
    const number = Math.max(0, ...before.map(entry => entry.number)) + 1;
    const mine = `${file}.${number}`;
    if (!linkWhole(mine, holder)) continue;
    const others = entries(file).filter(entry => entry.number !== number);
    if (others.some(entry => entry.holder !== null)) {
      removeFile(mine);
      pause(1 + Math.random() * 20);
      continue;
    }
    for (const dead of before) removeFile(`${file}.${dead.number}`);
    return { holder, [Symbol.dispose]: () => removeFile(mine) };
  }
  throw new Error(`${file} is taken again and again; is another agent-flow starting?`);
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

function entries(file: string): Entry[] {
  const prefix = `${basename(file)}.`;
  return names(dirname(file)).flatMap(name => {
    const number = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : Number.NaN;
    return Number.isInteger(number) && number > 0 ? [{ number, holder: living(`${file}.${number}`) }] : [];
  });
}

function names(folder: string): string[] {
  try {
    return listDirectory(folder);
  } catch {
    return [];
  }
}

/** Appears whole or not at all; false where somebody else's is there. */
function linkWhole(file: string, holder: Holder): boolean {
  return inPlace(file, path => {
    const aside = `${path}-${randomBytes(6).toString('hex')}`;
    try {
      writeFileSync(aside, `${JSON.stringify(holder)}\n`, { flag: 'wx', mode: 0o600 });
      linkSync(aside, path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return false;
    } finally {
      rmSync(aside, { force: true });
    }
  });
}

const pause = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

function living(path: string): Holder | null {
  const holder = read(path);
  if (holder === null) return null;
  // Of another host we cannot tell, so it is believed.
  if (holder.host !== hostname()) return holder;
  return holder.boot === bootId() && startTime(holder.pid) === holder.started ? holder : null;
}

function read(file: string): Holder | null {
  try {
    const { pid, host, boot, started } = JSON.parse(readFile(file).toString());
    const texts = [host, boot, started];
    if (typeof pid !== 'number' || texts.some(text => typeof text !== 'string')) return null;
    // Its host is shown to people, and no name of a host has anything that this changes.
    return { pid, host: oneLine(host), boot, started };
  } catch {
    return null;
  }
}

const self = (): Holder => ({
  pid: process.pid,
  host: hostname(),
  boot: bootId(),
  started: startTime(process.pid) ?? '',
});

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** Field 22 of /proc/<pid>/stat; where there is no /proc, only that the process lives. */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    if (bootId() !== '') return null;
  }
  try {
    process.kill(pid, 0);
    return '';
  } catch {
    return null;
  }
}
