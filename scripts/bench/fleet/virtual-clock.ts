import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../../src/clock.ts';

/** A clock whose time passes only while the process has nothing else to do. */
export interface VirtualClock extends Clock {
  /** Let time pass until the work is settled. */
  passUntil<T>(work: Promise<T>): Promise<T>;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
  isOver: boolean;
}

/** Milliseconds since the epoch at which the clock starts, and between two times at which something can happen. */
const epoch = Date.UTC(2026, 0, 1);
const resolution = 20;

export function virtualClock(): VirtualClock {
  const sleepers = new Heap();
  let now = 0;

  const sleep = (ms: number, signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const stop = () => {
        sleeper.isOver = true;
        reject(signal.reason);
      };
      const wake = () => {
        signal.removeEventListener('abort', stop);
        resolve();
      };
      const at = Math.ceil((now + Math.max(0, ms)) / resolution) * resolution;
      const sleeper: Sleeper = { at, wake, isOver: false };
      signal.addEventListener('abort', stop, { once: true });
      sleepers.add(sleeper);
    });
  /** Wake all that sleep until the next time at which something happens. */
  const pass = () => {
    const first = sleepers.next();
    if (first === undefined) return;
    now = first.at;
    for (let next: Sleeper | undefined = first; next?.at === now; next = sleepers.next()) {
      sleepers.remove();
      next.wake();
    }
  };

  return {
    now: () => epoch + now,
    elapsed: () => now,
    sleep,
    async passUntil(work) {
      let isSettled = false;
      const settle = () => {
        isSettled = true;
      };
      work.then(settle, settle);
      while (!isSettled) {
        await nextTurn();
        const pending = process.getActiveResourcesInfo();
        // Without a pause the wait for a file would count as CPU of the run.
        if (pending.some(type => type.startsWith('FSReq'))) await delay(1);
        // Other work is due in the next turn of the event loop.
        else if (!pending.includes('Immediate')) pass();
      }
      return work;
    },
  };
}

/** A binary heap of sleepers, by the time at which they wake. */
class Heap {
  readonly #items: Sleeper[] = [];

  add(item: Sleeper): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    for (let up = (at - 1) >> 1; at > 0 && items[up]!.at > item.at; up = (at - 1) >> 1) {
      items[at] = items[up]!;
      at = up;
    }
    items[at] = item;
  }

  /** Return the first one that still sleeps. */
  next(): Sleeper | undefined {
    while (this.#items[0]?.isOver) this.remove();
    return this.#items[0];
  }

  remove(): void {
    const items = this.#items;
    const last = items.pop()!;
    if (items.length === 0) return;
    let at = 0;
    for (let down = 1; down < items.length; down = 2 * at + 1) {
      if (down + 1 < items.length && items[down + 1]!.at < items[down]!.at) down++;
      if (items[down]!.at >= last.at) break;
      items[at] = items[down]!;
      at = down;
    }
    items[at] = last;
  }
}
