import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import * as z from 'zod';
import { oneLine } from '../text/text.ts';
import { bootId } from './boot-id.ts';

/** The identity of a process, by which others can find out whether it is alive. Unavailable texts are empty. */
export interface Identity {
  readonly pid: number;
  /** When the process started, in ticks since the boot: pids are reused. */
  readonly started: string;
  /** The pid namespace, in which alone the pid is valid. */
  readonly namespace: string;
  /** The id of the kernel's boot, unique to a machine. */
  readonly boot: string;
  readonly machine: string;
  /** For messages only: two machines can have the same name, and a machine can be renamed. */
  readonly host: string;
}

/** The holder of a lock. */
export interface Holder {
  /** null: the lock file cannot be read. */
  readonly identity: Identity | null;
  /** Why it is unknown whether the holder is alive, in which case it counts as alive; null: it is alive. */
  readonly doubt: string | null;
}

export const nameOf = ({ identity }: Holder) =>
  identity === null ? 'an unknown process' : `process ${identity.pid} on ${identity.host}`;

/** Describe the holder of a lock in a message, with the fix if it is unknown whether the holder is alive. */
export function explainHolder(holder: Holder): string {
  if (holder.doubt === null) return nameOf(holder);
  return `${nameOf(holder)}, if that is alive: ${holder.doubt}. If it is gone, use --force; while it is alive, that could start agents twice`;
}

/**
 * Report whether the process of a lock is alive; null if its pid means nothing here, because it is of another pid namespace
 * or another boot. If both are the same, the pid decides, whatever the name of the host. A lock from before a reboot of
 * this machine is dead.
 */
export function isAlive(holder: Identity, here: Identity, startOf = startTime): boolean | null {
  const isSameNamespace = holder.namespace === here.namespace;
  const isSameHost = holder.host === here.host && holder.machine === here.machine;
  // Without /proc only the name of the host can be compared.
  const isComparable = here.boot === '' ? isSameHost : here.namespace !== '';
  if (!isSameNamespace || !isComparable) return null;
  if (holder.boot === here.boot) return startOf(holder.pid) === holder.started;
  return isSameHost && holder.boot !== '' && here.boot !== '' ? false : null;
}

/** Return why `isAlive` returns null. */
export const doubtOf = (holder: Identity, here: Identity) =>
  holder.boot !== '' && holder.boot === here.boot
    ? 'it is in another pid namespace, such as that of a container, and cannot be seen from here'
    : 'it is on another machine, or in a container of one, and cannot be seen from here';

const identitySchema = z.object({
  pid: z.number(),
  started: z.string(),
  namespace: z.string(),
  boot: z.string(),
  machine: z.string(),
  // It is printed; a valid host name is left unchanged by this.
  host: z.string().transform(oneLine),
});

/** Parse the content of a lock file; null if it is not complete. */
export function parseIdentity(text: string): Identity | null {
  try {
    return identitySchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

export function ownIdentity(): Identity {
  // In a /proc of another namespace our pid is that of another process.
  const isOurs = orEmpty(() => readlinkSync('/proc/self')) === String(process.pid);
  return {
    pid: process.pid,
    started: startTime(process.pid) ?? '',
    namespace: isOurs ? orEmpty(() => readlinkSync('/proc/self/ns/pid')) : '',
    boot: bootId(),
    machine: orEmpty(() => readFileSync('/etc/machine-id', 'utf8').trim()),
    host: hostname(),
  };
}

/**
 * Return field 22 of /proc/<pid>/stat; null if the process is dead. On systems without /proc return an empty text if the
 * process is alive. A zombie, as in a container whose pid 1 does not reap, is dead.
 */
function startTime(pid: number): string | null {
  const stat = orEmpty(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (stat !== '') {
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ['Z', 'X'].includes(fields[0]!) ? null : (fields[19] ?? null);
  }
  if (bootId() !== '') return null;
  try {
    process.kill(pid, 0);
    return '';
  } catch (error) {
    // EPERM: a process of another user, which is alive.
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? '' : null;
  }
}

function orEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
