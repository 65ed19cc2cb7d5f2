import type { Clock } from '../clock.ts';
import type { Notification } from './notification.ts';
import { post } from './post.ts';
import type { Receiver } from './receivers.ts';

/** Posts notifications in the background, in order for each receiver. */
export interface Notifier {
  send(notification: Notification): void;
  /** Resolves when everything is delivered or given up, after `limitMs` at the latest. Nothing is sent from then on. */
  close(limitMs: number): Promise<void>;
}

export interface NotifierOptions {
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  /** Called once at most for each receiver. */
  readonly warn: (message: string) => void;
  readonly redact: <T>(value: T) => T;
  /** Posts one body; resolves with null, or why it failed. */
  readonly send?: (url: string, body: string, signal: AbortSignal) => Promise<string | null>;
}

/** Milliseconds before the second try and the third. */
const pausesMs = [1_000, 4_000];
/** Notifications that wait for one receiver. Later ones are dropped (I7). */
const maxWaiting = 50;
/** An agent that needs input again within this time is not reported again. */
const leastIntervalMs = 60_000;

export function notifier(receivers: readonly Receiver[], options: NotifierOptions): Notifier {
  const { clock } = options;
  const closing = new AbortController();
  const queues = receivers.map(receiver => ({
    receiver,
    queue: receiverQueue(receiver, options, closing.signal),
  }));
  /** By agent: when it was reported to need input. */
  const reported = new Map<string, number>();
  const isRepeated = ({ event, agent }: Notification) => {
    if (event !== 'needsInput' || agent === null) return false;
    const last = reported.get(agent);
    if (last !== undefined && clock.now() - last < leastIntervalMs) return true;
    reported.set(agent, clock.now());
    return false;
  };
  return {
    send(notification) {
      if (closing.signal.aborted || isRepeated(notification)) return;
      for (const { receiver, queue } of queues)
        if (receiver.on.includes(notification.event)) queue.add(notification);
    },
    async close(limitMs) {
      const over = new AbortController();
      const limit = clock.sleep(limitMs, over.signal).catch(() => {});
      await Promise.race([Promise.all(queues.map(({ queue }) => queue.idle())), limit]);
      over.abort();
      for (const { queue } of queues) queue.giveUp();
      closing.abort();
    },
  };
}

function receiverQueue(
  { title, url }: Receiver,
  { clock, warn, redact, send = post }: NotifierOptions,
  signal: AbortSignal,
) {
  const waiting: Notification[] = [];
  let sending: Promise<void> | null = null;
  let hasWarned = false;
  const fail = (reason: string) => {
    if (!hasWarned) warn(`a notification could not be delivered to ${title}: ${reason}`);
    hasWarned = true;
  };

  const deliver = async (body: string) => {
    let problem = await send(url, body, signal);
    for (const pause of pausesMs) {
      if (problem === null || signal.aborted) return;
      await clock.sleep(pause, signal);
      problem = await send(url, body, signal);
    }
    if (problem !== null && !signal.aborted) fail(`${problem}, in ${pausesMs.length + 1} tries`);
  };
  const run = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      // Only the end of the notifier rejects.
      await deliver(JSON.stringify(redact(next))).catch(() => {});
    sending = null;
  };

  return {
    add(notification: Notification) {
      if (waiting.length >= maxWaiting) return fail(`${maxWaiting} others wait for it`);
      waiting.push(notification);
      sending ??= run();
    },
    idle: () => sending ?? Promise.resolve(),
    /** Drop what is not delivered. */
    giveUp() {
      waiting.length = 0;
      if (sending !== null) fail('it was not delivered before the end of the run');
    },
  };
}
