import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { oneLine } from '../text/text.ts';
import { bootId } from './boot-id.ts';

/** A process, named so that others can judge whether it lives. Texts are empty where the system does not say. */
export interface Identity {
  readonly pid: number;
  /** Pids are used again: when it began, in ticks since the boot. */
  readonly started: string;
  /** Its pid means something in this pid namespace alone. */
  readonly namespace: string;
  /** The boot of the kernel, which no other machine has. */
  readonly boot: string;
  readonly machine: string;
  /** For people: two machines can have one name, and a machine can be renamed. */
  readonly host: string;
}

/** Who holds a lock. */
export interface Holder {
  /** null: what the lock says cannot be read. */
  readonly identity: Identity | null;
  /** Why it cannot be known here whether it lives; it is believed to. null: it lives. */
  readonly doubt: string | null;
}

export const nameOf = ({ identity }: Holder) =>
  identity === null ? 'an unknown process' : `process ${identity.pid} on ${identity.host}`;

/** For messages: who holds a lock, and what to do about one whose holder cannot be judged. */
export function explainHolder(holder: Holder): string {
  if (holder.doubt === null) return nameOf(holder);
  return `${nameOf(holder)}, if that lives: ${holder.doubt}. If it is gone, use --force; while it lives, that could start agents twice`;
}

/**
 * Whether the process of a lock lives; null: its pid says nothing, since it is of another pid namespace or another boot.
 * With both the same its pid decides, whatever the host was named. A lock from before a reboot of this machine is dead.
 */
export function isLiving(holder: Identity, here: Identity, startOf = startTime): boolean | null {
  const isSameNamespace = holder.namespace === here.namespace;
  const isSameHost = holder.host === here.host && holder.machine === here.machine;
  // Where there is no /proc, a name is all that there is.
  const isComparable = here.boot === '' ? isSameHost : here.namespace !== '';
  if (!isSameNamespace || !isComparable) return null;
  if (holder.boot === here.boot) return startOf(holder.pid) === holder.started;
  return isSameHost && holder.boot !== '' && here.boot !== '' ? false : null;
}

/** Why `isLiving` is null. */
export const doubtOf = (holder: Identity, here: Identity) =>
  holder.boot !== '' && holder.boot === here.boot
    ? 'it is in another pid namespace, such as that of a container, and cannot be seen from here'
    : 'it is on another machine, or in a container of one, and cannot be seen from here';

/** Parse what a lock says; null where that is not whole. */
export function parseIdentity(text: string): Identity | null {
  try {
    const { pid, started, namespace, boot, machine, host } = JSON.parse(text);
    const texts = [started, namespace, boot, machine, host];
    if (typeof pid !== 'number' || texts.some(value => typeof value !== 'string')) return null;
    // Its host is shown to people, and no name of a host has anything that this changes.
    return { pid, started, namespace, boot, machine, host: oneLine(host) };
  } catch {
    return null;
  }
}

export function ownIdentity(): Identity {
  // A /proc of another namespace would tell of another process by our pid.
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
 * Field 22 of /proc/<pid>/stat, null of a pid that nobody has; where there is no /proc, only that the process lives. One
 * that has ended and is not reaped, as in a container whose pid 1 reaps nobody, is dead.
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
    // One of another user lives.
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
