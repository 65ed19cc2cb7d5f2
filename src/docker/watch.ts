import { readContainerEvent } from './container-events.ts';
import type { Containers } from './containers.ts';
import { followEvents } from './follow-events.ts';
import { labelFilter } from './labels.ts';
import { poll } from './poll.ts';
import type { Recorder } from './recorder.ts';
import { raceAbort } from './single-flight.ts';
import { followLines } from './stream.ts';

/** The end of a container. Times are milliseconds since the epoch. */
export interface ContainerEnd {
  /** null where Docker knows the container no longer. */
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  readonly reason: 'died' | 'removed';
  /** When it was noticed. */
  readonly at: number;
  /** By the engine's clock, where Docker reports it. */
  readonly finishedAt?: number;
}

/**
 * Knows when containers end: one `docker events` stream for the whole run, and lists for what a stream may lose.
 * A `die` with its exit code is a fact; silence is not. However many agents wait, one list at a time is asked for.
 */
export interface Watcher {
  /** Resolves when the container has ended. */
  ended(id: string, signal: AbortSignal): Promise<ContainerEnd>;
  /** Looks at once, rather than with the next list, for ends that no event has told of. */
  checkNow(): void;
  /** For those whose command had no answer. Resolves when the engine has answered a list asked for after this call. */
  reachable(signal: AbortSignal): Promise<void>;
  /** Resolves when the stream is closed, after the options' signal has fired. */
  readonly closed: Promise<void>;
}

export interface WatchOptions {
  readonly containers: Pick<Containers, 'list' | 'inspect'>;
  readonly recorder: Recorder;
  readonly runId: string;
  readonly signal: AbortSignal;
  /** What the engine's clock read before, milliseconds since the epoch; events are asked for from there on. */
  readonly engineTime?: number | null;
  readonly now: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random?: () => number;
  /** Rejects where another engine answers than before: there, nothing that is missing has been removed. */
  readonly confirmEngine: () => Promise<void>;
  /** Called once when the engine does not answer, and once when it does again. */
  readonly onUnreachable: (message: string) => void;
  readonly onReachable: () => void;
  /** Called once where the engine answers, and refuses its events; ends are noticed by lists alone from then on. */
  readonly onEventsRefused: (reason: string) => void;
  /** Called once when it does not refuse them any more. */
  readonly onEventsRestored: () => void;
  /** Called once for a container that is waited for, with its start by the engine's clock, milliseconds since the epoch. */
  readonly onStarted: (id: string, startedAt: number) => void;
}

/** Milliseconds from one list to the next; the second where there are no events. */
const interval = 30_000;
const deafInterval = 5_000;

export function watchContainers(options: WatchOptions): Watcher {
  const { containers, recorder, runId, signal, engineTime = null, now, sleep, random } = options;
  const { confirmEngine, onUnreachable, onReachable, onEventsRefused, onEventsRestored, onStarted } = options;
  const waiting = new Map<string, PromiseWithResolvers<ContainerEnd>>();
  const outOfMemory = new Set<string>();
  /** Containers whose start is known. */
  const known = new Set<string>();
  /** By the engine's clock. */
  let lastEventAt = engineTime;
  let isDeaf = false;
  let wasAway = false;
  /** A line of the stream could not be read, and may have been an end. */
  let isUnread = false;
  let isCatchingUp = false;

  // Kept, since an agent may end before anybody waits for it.
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
    // A removal whose end we never saw: all that is known is that it is gone.
    else settle(id, { exitCode: null, oomKilled, reason: 'removed', at: now() });
  };

  /** List for lines that could not be read: at once, and at most once a second. */
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

  /** Compares what Docker has with what is waited for. */
  const list = async () => {
    const states = new Map(
      (await containers.list([labelFilter.run(runId)], { signal, isPolling: true })).map(({ id, state }) => [
        id,
        state,
      ]),
    );
    const over = [...waiting.keys()].filter(id => !alive.includes(states.get(id) ?? 'gone'));
    const started = [...waiting.keys()].filter(id => !known.has(id) && !over.includes(id));
    // Not being in a list is no proof: a container is gone when docker, asked for it, knows none.
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
    interval: () => (isDeaf ? deafInterval : interval),
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
    // What happens while we connect is told twice rather than not at all.
    const since = lastEventAt === null ? [] : [`--since=${Math.floor(lastEventAt / 1000)}`];
    // Not by event: what ends a container has another name with Podman, which then reports nothing.
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
  let wasTold = false;
  const events = followEvents({
    open,
    poll: lists,
    signal,
    sleep,
    random,
    onRefused(reason) {
      isDeaf = true;
      if (!wasTold) onEventsRefused(reason);
    },
    onRestored() {
      isDeaf = false;
      if (!wasTold) onEventsRestored();
      wasTold = true;
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
