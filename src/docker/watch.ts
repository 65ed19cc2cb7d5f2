import type { End } from '../../machines/outcome.ts';
import { readContainerEvent } from './container-events.ts';
import type { Containers } from './containers.ts';
import { ofRun } from './containers.ts';
import type { Recorder } from './recorder.ts';
import { orAborted } from './single-flight.ts';
import { followLines } from './stream.ts';

/**
 * Knows when containers end: one `docker events` stream for the whole run, and lists for what a stream may lose.
 * A `die` with its exit code is a fact; silence is not.
 */
export interface Watcher {
  /** Resolves when the container has ended. */
  ended(id: string, signal: AbortSignal): Promise<End>;
  /** Resolves when the engine has answered a list that was asked for after this call. */
  answers(signal: AbortSignal): Promise<void>;
  /** Resolves when the stream is closed, after the options' signal has fired. */
  readonly closed: Promise<void>;
}

export interface WatchOptions {
  readonly containers: Pick<Containers, 'list' | 'inspect'>;
  readonly recorder: Recorder;
  readonly runId: string;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onAway: (message: string) => void;
  readonly onBack: () => void;
}

const listEvery = 30_000;
const reconnectAfter = 1_000;

export function watchContainers(options: WatchOptions): Watcher {
  const { containers, recorder, runId, signal, now, sleep, onAway, onBack } = options;
  const waiting = new Map<string, PromiseWithResolvers<End>>();
  const outOfMemory = new Set<string>();
  let away = false;
  /** A line of the stream could not be read, and may have been an end. */
  let isUnread = false;
  let isCatchingUp = false;
  let listedNext = Promise.withResolvers<void>();

  // Kept, since an agent may end before anybody waits for it.
  const ends = new Map<string, End>();

  const settle = (id: string, end: End) => {
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
    if (event.kind === 'died') {
      const { id, exitCode, at } = event;
      settle(id, { exitCode, oomKilled: outOfMemory.has(id), how: 'died', at });
    }
    // A removal whose end we never saw: all that is known is that it is gone.
    if (event.kind === 'removed') {
      const { id, at } = event;
      settle(id, { exitCode: null, oomKilled: outOfMemory.has(id), how: 'removed', at });
    }
  };

  /** List for lines that could not be read: once for any number of them, and at most once a second. */
  const catchUp = async () => {
    if (isCatchingUp) return;
    isCatchingUp = true;
    while (isUnread && waiting.size > 0 && !signal.aborted) {
      isUnread = false;
      await list();
      await sleep(reconnectAfter, signal).catch(() => {});
    }
    isCatchingUp = false;
  };

  /** Compares what Docker has with what is waited for. */
  const list = async () => {
    const current = listedNext;
    try {
      const states = new Map(
        (await containers.list([ofRun(runId)], { signal })).map(({ id, state }) => [id, state]),
      );
      const over = [...waiting.keys()].filter(id => !alive.includes(states.get(id) ?? 'gone'));
      // Not being in a list is no proof: a container is gone when docker, asked for it, knows none.
      const found = new Map((await containers.inspect(over, { signal })).map(facts => [facts.id, facts]));
      for (const id of over) {
        const facts = found.get(id);
        if (!facts) settle(id, { exitCode: null, oomKilled: outOfMemory.has(id), how: 'removed', at: now() });
        else if (!alive.includes(facts.state)) {
          const { exitCode, finishedAt: at } = facts;
          settle(id, { exitCode, oomKilled: facts.oomKilled || outOfMemory.has(id), how: 'died', at });
        }
      }
      if (away) onBack();
      away = false;
      listedNext = Promise.withResolvers();
      current.resolve();
    } catch (error) {
      if (signal.aborted) return;
      if (!away) onAway(error instanceof Error ? error.message : String(error));
      away = true;
    }
  };

  const follow = async () => {
    while (!signal.aborted) {
      // A little before now: what happens while we connect is told twice rather than not at all.
      const since = `--since=${Math.floor(now() / 1000) - 5}`;
      // Not by event: what ends a container has another name with Podman, which then reports nothing.
      const args = [
        'events',
        since,
        '--format={{json .}}',
        '--filter=type=container',
        `--filter=${ofRun(runId)}`,
      ];
      const stream = followLines(recorder, args, onLine, { signal });
      if (away || waiting.size > 0) await list();
      await stream;
      // A stream that ended while the engine answers, for instance by a Ctrl-C, is needed again at once.
      await sleep(away ? reconnectAfter : 100, signal).catch(() => {});
      if (!signal.aborted) await list();
    }
  };
  const relist = async () => {
    while (!signal.aborted) {
      await sleep(away ? reconnectAfter : listEvery, signal).catch(() => {});
      if (!signal.aborted && (away || waiting.size > 0)) await list();
    }
  };
  const closed = Promise.all([follow(), relist()]).then(() => {});

  return {
    ended(id, stop) {
      const known = ends.get(id);
      if (known) return Promise.resolve(known);
      let wait = waiting.get(id);
      if (!wait) {
        wait = Promise.withResolvers<End>();
        waiting.set(id, wait);
        if (isUnread) void catchUp();
      }
      return orAborted(wait.promise, stop);
    },
    async answers(stop) {
      const { promise } = listedNext;
      void list();
      while (true) {
        const over = await orAborted(
          Promise.race([promise.then(() => true), sleep(reconnectAfter, stop)]),
          stop,
        );
        if (over === true) return;
        if (away) void list();
      }
    },
    closed,
  };
}

const alive: readonly string[] = ['created', 'running', 'paused', 'restarting'];
