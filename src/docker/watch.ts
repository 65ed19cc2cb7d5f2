import type { Docker } from './cli.ts';
import { type ContainerEnd, containerEnds } from './container-ends.ts';
import { type EventOptions, eventReader } from './event-ends.ts';
import { followEvents } from './follow-events.ts';
import { heartbeat } from './heartbeat.ts';
import { type ListOptions, listEnds } from './list-ends.ts';
import { type Poll, poll } from './poll.ts';

/**
 * Reports the ends of containers: one `docker events` stream for the whole run, and lists for events that a stream may lose
 * (I5). A `die` with its exit code is a fact; silence is not. Any number of agents share one list at a time.
 */
export interface Watcher {
  /** Resolves when the container has ended. */
  ended(id: string, signal: AbortSignal): Promise<ContainerEnd>;
  /** List at once rather than at the next interval, for ends without an event. */
  checkNow(): void;
  /** Resolves when a list that began after this call has succeeded. Call it after a command failed as unreachable. */
  waitUntilReachable(signal: AbortSignal): Promise<void>;
  /** Resolves when no call is left, after the options' signal has fired. */
  readonly closed: Promise<void>;
}

export interface WatchOptions extends ListOptions, EventOptions {
  readonly now: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random?: () => number;
  /** Calls an engine that is reached over a network; null for a local one, whose end closes its connections. */
  readonly remoteDocker: Docker | null;
  /** Called once when the engine becomes unreachable, and once when it is reachable again. */
  readonly onUnreachable: (message: string) => void;
  readonly onReachable: () => void;
  /** Called once when a reachable engine refuses its events; from then on ends are found by lists alone. */
  readonly onEventsRefused: (reason: string) => void;
  /** Called once when it no longer refuses them. */
  readonly onEventsRestored: () => void;
}

/** Milliseconds between lists, with events and without. */
const interval = 30_000;
const noEventsInterval = 5_000;

export function watchContainers(options: WatchOptions): Watcher {
  const { signal, sleep, random, onReachable } = options;
  const ends = containerEnds(options.now);
  const listState = { started: new Set<string>(), wasUnreachable: false };
  let hasNoEvents = false;
  let hasReportedRestore = false;

  const lists = poll({
    call: signal => listEnds(ends, listState, { ...options, signal }),
    isNeeded: ends.hasWaits,
    interval: () => (hasNoEvents ? noEventsInterval : interval),
    signal,
    sleep,
    random,
    onUnreachable(message) {
      listState.wasUnreachable = true;
      options.onUnreachable(message);
    },
    onReachable,
  });
  const beats = watchConnection(lists, options);
  const unread = unreadLines(ends.hasWaits, lists.pollNow, options);
  const readEvents = eventReader(ends, options, unread.onLine);
  const events = followEvents({
    open() {
      if (ends.hasWaits()) lists.pollNow();
      return readEvents();
    },
    poll: lists,
    signal,
    sleep,
    random,
    onRefused(reason) {
      hasNoEvents = true;
      // Later refusals are silent: events that come and go would repeat the warning.
      if (!hasReportedRestore) options.onEventsRefused(reason);
    },
    onRestored() {
      hasNoEvents = false;
      if (!hasReportedRestore) options.onEventsRestored();
      hasReportedRestore = true;
    },
  });

  return {
    ended(id, stop) {
      const end = ends.wait(id, stop);
      unread.onWait();
      return end;
    },
    checkNow: lists.pollNow,
    waitUntilReachable: lists.waitUntilReachable,
    closed: Promise.all([events, lists.closed, beats]).then(() => {}),
  };
}

/** A list alone makes the engine reachable again: it may still fail or be slow when a heartbeat is not. */
async function watchConnection(
  lists: Poll,
  { remoteDocker, signal, sleep, random }: WatchOptions,
): Promise<void> {
  if (remoteDocker === null) return;
  await heartbeat({
    docker: remoteDocker,
    isNeeded: lists.isActive,
    signal,
    sleep,
    random,
    onSilent: lists.reportUnreachable,
    onResponse: lists.retryNow,
  });
}

/**
 * List because of lines that could not be read, and may have been ends: as soon as something waits for an end, and at most
 * once a second.
 */
function unreadLines(
  hasWaits: () => boolean,
  list: () => void,
  { signal, sleep }: Pick<WatchOptions, 'signal' | 'sleep'>,
) {
  let isUnread = false;
  let isCatchingUp = false;

  const catchUp = async () => {
    if (isCatchingUp) return;
    isCatchingUp = true;
    while (isUnread && hasWaits() && !signal.aborted) {
      isUnread = false;
      list();
      await sleep(1_000, signal).catch(() => {});
    }
    isCatchingUp = false;
  };

  return {
    onLine() {
      isUnread = true;
      void catchUp();
    },
    onWait() {
      void catchUp();
    },
  };
}
