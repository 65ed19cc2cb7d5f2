import { readContainerEvent } from './container-events.ts';
import type { Containers } from './containers.ts';
import { followEvents } from './follow-events.ts';
import { labelFilter } from './labels.ts';
import { poll } from './poll.ts';
import type { Recorder } from './recorder.ts';
import { raceAbort } from './single-flight.ts';
import { followLines } from './stream.ts';

/** The end of a container. Times are milliseconds since the epoch. */
interface ContainerEnd {
  /** null if Docker no longer knows the container. */
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  readonly reason: 'died' | 'removed';
  /** When it was noticed. */
  readonly at: number;
  /** By the engine's clock, where Docker reports it. */
  readonly finishedAt?: number;
}

/**
 * Reports the ends of containers: one `docker events` stream for the whole run, and lists for events that a stream may lose
 * (I5). A `die` with its exit code is a fact; silence is not. Any number of agents share one list at a time.
 */
export interface Watcher {
  /** Resolves when the container has ended. */
  ended(id: string, signal: AbortSignal): Promise<ContainerEnd>;
  /** List at once rather than at the next interval, for ends without an event. */
  checkNow(): void;
  /** Resolves when a list that began after this call has succeeded; for callers whose own command failed. */
  reachable(signal: AbortSignal): Promise<void>;
  /** Resolves when the stream is closed, after the options' signal has fired. */
  readonly closed: Promise<void>;
}

export interface WatchOptions {
  readonly containers: Pick<Containers, 'list' | 'inspect'>;
  readonly recorder: Recorder;
  readonly runId: string;
  readonly signal: AbortSignal;
  /** The engine's time before the run, milliseconds since the epoch; events are read from there on. */
  readonly engineTime?: number | null;
  readonly now: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random?: () => number;
  /** Rejects if another engine responds than before: a container that it lacks has not been removed. */
  readonly confirmEngine: () => Promise<void>;
  /** Called once when the engine becomes unreachable, and once when it is reachable again. */
  readonly onUnreachable: (message: string) => void;
  readonly onReachable: () => void;
  /** Called once when a reachable engine refuses its events; from then on ends are found by lists alone. */
  readonly onEventsRefused: (reason: string) => void;
  /** Called once when it no longer refuses them. */
  readonly onEventsRestored: () => void;
  /** Called once for each awaited container, with its start by the engine's clock, milliseconds since the epoch. */
  readonly onStarted: (id: string, startedAt: number) => void;
}

/** Milliseconds between lists, with events and without. */
const interval = 30_000;
const noEventsInterval = 5_000;

export function watchContainers(options: WatchOptions): Watcher {
  const { containers, recorder, runId, signal, engineTime = null, now, sleep, random } = options;
  const { confirmEngine, onUnreachable, onReachable, onEventsRefused, onEventsRestored, onStarted } = options;
  const waiting = new Map<string, PromiseWithResolvers<ContainerEnd>>();
  const outOfMemory = new Set<string>();
  /** Containers whose start is known. */
  const known = new Set<string>();
  /** By the engine's clock. */
  let lastEventAt = engineTime;
  let hasNoEvents = false;
  let wasAway = false;
  /** A line of the stream could not be read, and may have been an end. */
  let isUnread = false;
  let isCatchingUp = false;

  // Kept, since a container may end before `ended` is called.
  const ends = new Map<string, ContainerEnd>();

  const settle = (id: string, end: ContainerEnd) => {
    if (!ends.has(id)) ends.set(id, end);
    waiting.get(id)?.resolve(end);
    waiting.delete(id);
  };

  const onLine = (line: string) => {
    const event = readContainerEvent(line);
    if (event === null) {
      isUnread = true;
      return void catchUp();
    }
    if (event.kind === 'outOfMemory') outOfMemory.add(event.id);
    if (event.kind !== 'died' && event.kind !== 'removed') return;
    const { id, at: finishedAt } = event;
    lastEventAt = Math.max(lastEventAt ?? 0, finishedAt);
    const oomKilled = outOfMemory.has(id);
    if (event.kind === 'died')
      settle(id, { exitCode: event.exitCode, oomKilled, reason: 'died', at: now(), finishedAt });
    // A removal without an end before it: the exit code is unknown.
    else settle(id, { exitCode: null, oomKilled, reason: 'removed', at: now() });
  };

  /** List because of lines that could not be read: at once, and at most once a second. */
  const catchUp = async () => {
    if (isCatchingUp) return;
    isCatchingUp = true;
    while (isUnread && !signal.aborted) {
      isUnread = false;
      if (waiting.size > 0) lists.pollNow();
      await sleep(1_000, signal).catch(() => {});
    }
    isCatchingUp = false;
  };

  /** Compare Docker's containers with the awaited ones. */
  const list = async () => {
    const states = new Map(
      (await containers.list([labelFilter.run(runId)], { signal, isPolling: true })).map(({ id, state }) => [
        id,
        state,
      ]),
    );
    const over = [...waiting.keys()].filter(id => !alive.includes(states.get(id) ?? 'gone'));
    const started = [...waiting.keys()].filter(id => !known.has(id) && !over.includes(id));
    // Absence from a list is no proof: a container is gone when `docker inspect` does not find it.
    const found = await containers.inspect([...over, ...started], { signal });
    const facts = new Map(found.map(container => [container.id, container]));
    if (wasAway || over.some(id => !facts.has(id))) await confirmEngine();
    wasAway = false;
    for (const id of started) {
      const startedAt = facts.get(id)?.startedAt ?? -1;
      if (startedAt <= 0) continue;
      known.add(id);
      onStarted(id, startedAt);
    }
    for (const id of over) {
      const fact = facts.get(id);
      const isOutOfMemory = outOfMemory.has(id);
      if (!fact) settle(id, { exitCode: null, oomKilled: isOutOfMemory, reason: 'removed', at: now() });
      else if (!alive.includes(fact.state)) {
        const { exitCode, oomKilled, finishedAt } = fact;
        settle(id, {
          exitCode,
          oomKilled: oomKilled || isOutOfMemory,
          reason: 'died',
          at: now(),
          finishedAt,
        });
      }
    }
  };

  const lists = poll({
    ask: list,
    isNeeded: () => waiting.size > 0,
    interval: () => (hasNoEvents ? noEventsInterval : interval),
    signal,
    sleep,
    random,
    onUnreachable(message) {
      wasAway = true;
      onUnreachable(message);
    },
    onReachable,
  });

  const open = () => {
    // Events during the connect are read twice rather than not at all.
    const since = lastEventAt === null ? [] : [`--since=${Math.floor(lastEventAt / 1000)}`];
    // No filter by event: Podman names the end of a container differently, and would report nothing.
    const args = [
      'events',
      ...since,
      '--format={{json .}}',
      '--filter=type=container',
      `--filter=${labelFilter.run(runId)}`,
    ];
    if (waiting.size > 0) lists.pollNow();
    return followLines(recorder, args, onLine, { signal, isPolling: true });
  };
  let wasReported = false;
  const events = followEvents({
    open,
    poll: lists,
    signal,
    sleep,
    random,
    onRefused(reason) {
      hasNoEvents = true;
      if (!wasReported) onEventsRefused(reason);
    },
    onRestored() {
      hasNoEvents = false;
      if (!wasReported) onEventsRestored();
      wasReported = true;
    },
  });

  return {
    ended(id, stop) {
      const end = ends.get(id);
      if (end) return Promise.resolve(end);
      let wait = waiting.get(id);
      if (!wait) {
        wait = Promise.withResolvers<ContainerEnd>();
        waiting.set(id, wait);
        if (isUnread) void catchUp();
      }
      return raceAbort(wait.promise, stop);
    },
    checkNow: lists.pollNow,
    reachable: lists.reachable,
    closed: Promise.all([events, lists.closed]).then(() => {}),
  };
}

const alive: readonly string[] = ['created', 'running', 'paused', 'restarting'];
