/**
 * Ends docker children: after a timeout, an abort or too much output, and with this process. Every child leads its own
 * process group, and the whole group is killed: `docker` may be a script that starts the real one. The wait for pipes is
 * bounded: a process that holds one after the command has ended, such as a master connection of ssh, writes nothing more.
 */

import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { CallEnd } from './recorder.ts';

/** The part of a child process that is used here. */
export interface Child {
  readonly pid?: number | undefined;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  once(event: 'exit' | 'close', listener: () => void): unknown;
  unref(): void;
}

export interface ChildControl {
  /** Why it was killed; null for a child that was not, or by `stop`. */
  readonly interrupted: CallEnd['interrupted'];
  /** Kill it because its output is too long: `interrupted` becomes `overflow`. */
  overflow(): void;
  /** Kill it. `interrupted` stays null, so its exit code is reported. */
  stop(): void;
  /** Resolve with `result`; with null if the child survives the kill, for instance as another user's process. */
  settle<T>(result: PromiseLike<T>): Promise<T | null>;
}

export interface Limits {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds; 0 means none. */
  readonly timeout?: number | undefined;
}

/** Milliseconds that pipes may be silent after the command has ended; a killed group may take twice as long to go. */
const silenceMs = 1_000;

const alive = new Set<number>();

/** Kill a child's process group when `signal` fires, after the timeout, or when this process exits. */
export function controlChild(child: Child, { signal, timeout = 0 }: Limits): ChildControl {
  const { pid } = child;
  const pipes = [child.stdout, child.stderr].filter(pipe => pipe !== null);
  const closed = new AbortController();
  const abandoned = Promise.withResolvers<null>();
  let interrupted: CallEnd['interrupted'] = null;
  let isKilled = false;
  const interrupt = (reason: CallEnd['interrupted']) => {
    if (closed.signal.aborted) return;
    kill(pid);
    interrupted ??= reason;
    if (isKilled) return;
    isKilled = true;
    delay(2 * silenceMs, null, { signal: closed.signal }).then(
      () => {
        child.unref();
        for (const pipe of pipes) pipe.destroy();
        abandoned.resolve(null);
      },
      () => {},
    );
  };
  const limits = [
    [signal, 'aborted'],
    [timeout > 0 ? AbortSignal.timeout(timeout) : undefined, 'timeout'],
  ] as const;
  for (const [limit, reason] of limits) {
    if (limit?.aborted) interrupt(reason);
    else limit?.addEventListener('abort', () => interrupt(reason), { once: true, signal: closed.signal });
  }

  keep(pid);
  child.once('exit', () => closeSilent(pipes, pid, closed.signal));
  child.once('close', () => {
    closed.abort();
    release(pid);
  });
  return {
    get interrupted() {
      return interrupted;
    },
    overflow: () => interrupt('overflow'),
    stop: () => interrupt(null),
    settle: result => Promise.race([result, abandoned.promise]),
  };
}

/** A child that could not be started has no id and no group. */
function keep(pid: number | undefined): void {
  if (pid === undefined) return;
  if (alive.size === 0) process.on('exit', killAll);
  alive.add(pid);
}

function release(pid: number | undefined): void {
  if (pid === undefined || !alive.delete(pid)) return;
  if (alive.size === 0) process.off('exit', killAll);
}

function kill(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone, or another user's.
  }
}

function killAll(): void {
  for (const pid of alive) kill(pid);
}

/** Close each open pipe without output, and kill its holder. A pipe that waits for a slow reader is not silent. */
function closeSilent(pipes: readonly Readable[], pid: number | undefined, closed: AbortSignal): void {
  const before = new Map<Readable, number>();
  const timer = setInterval(() => {
    for (const pipe of pipes) {
      if (pipe.readableEnded || pipe.destroyed) continue;
      const { bytesRead } = pipe as Readable & { readonly bytesRead: number };
      const isWaiting = pipe.isPaused() || pipe.readableLength > 0;
      if (!isWaiting && before.get(pipe) === bytesRead) {
        kill(pid);
        pipe.push(null);
      }
      before.set(pipe, isWaiting ? -1 : bytesRead);
    }
  }, silenceMs);
  closed.addEventListener('abort', () => clearInterval(timer), { once: true });
}
