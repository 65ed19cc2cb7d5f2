import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { findEnd } from '../../../src/actors/lookup-end.ts';
import type { Container, Containers } from '../../../src/docker/containers.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { watchContainers } from '../../../src/docker/watch.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';

const event = (action: string, id: string, attributes: object = {}) =>
  JSON.stringify({ Type: 'container', Action: action, time: 7, Actor: { ID: id, Attributes: attributes } });

interface Engine {
  /** Lines that each `docker events` prints. */
  readonly prints?: readonly string[];
  readonly exited?: readonly Partial<Container>[];
  /** Ids of running containers. */
  readonly alive?: readonly string[];
  readonly isUnreachable?: () => boolean;
  /** Whether the pause between two lists outlasts the test. */
  readonly isSlow?: boolean;
  /** Error with which `docker events` exits after it has printed its lines. */
  readonly refuses?: string;
  /** An earlier reading of its clock, in milliseconds. */
  readonly engineTime?: number;
  /** Whether it is another engine than before. */
  readonly isAnother?: () => boolean;
}

/** Watch a fake engine: a `docker` first on PATH that prints events, and lists that return at once. */
function watch(t: ExecutionContext, engine: Engine) {
  const prints = (engine.prints ?? []).map(line => `echo '${line}'`);
  const lasts = engine.refuses === undefined ? 'exec sleep 60' : `echo '${engine.refuses}' >&2; exit 1`;
  const { here } = fakeDocker(t, ['echo "$*" >>"$here/calls"', ...prints, lasts].join('\n'));
  const stop = new AbortController();
  const reported: string[] = [];
  let lists = 0;
  const containers: Pick<Containers, 'list' | 'inspect'> = {
    async list() {
      lists++;
      if (engine.isUnreachable?.()) throw new Error('no response');
      const listed = (state: string) => (id: string) => ({ id, state, name: '', labels: '' });
      const gone = (engine.exited ?? []).map(({ id }) => id!);
      return [...gone.map(listed('exited')), ...(engine.alive ?? []).map(listed('running'))];
    },
    async inspect(ids) {
      return (engine.exited ?? []).filter(({ id }) => ids.includes(id!)) as Container[];
    },
  };
  const watcher = watchContainers({
    containers,
    recorder: nullRecorder,
    runId: 'r1',
    signal: stop.signal,
    now: () => 10_000,
    // The half minute between two lists passes at once.
    sleep: async (ms, signal) => {
      const pause = engine.isSlow ? (ms < 30_000 ? ms : 600_000) : Math.min(ms, 20);
      await delay(pause, undefined, { signal });
    },
    remoteDocker: null,
    async confirmEngine() {
      if (engine.isAnother?.()) throw new Error('another engine');
    },
    onUnreachable: message => reported.push(`unreachable: ${message}`),
    onReachable: () => reported.push('reachable'),
    onEventsRefused: reason => reported.push(`events refused: ${reason}`),
    onEventsRestored: () => reported.push('events restored'),
    onStarted: (id, startedAt) => reported.push(`${id} started at ${startedAt}`),
    ...(engine.engineTime === undefined ? {} : { engineTime: engine.engineTime }),
  });
  t.teardown(async () => {
    stop.abort();
    await watcher.closed;
  });
  const calls = () => (existsSync(join(here, 'calls')) ? readFileSync(join(here, 'calls'), 'utf8') : '');
  return { watcher, reported, calls, lists: () => lists, never: new AbortController().signal };
}

test.serial('a die event ends the wait, with the exit code and the time of both clocks', async t => {
  const { watcher, never } = watch(t, { prints: [event('die', 'c1', { exitCode: '7' })], alive: ['c1'] });
  t.deepEqual(await watcher.ended('c1', never), {
    exitCode: 7,
    oomKilled: false,
    reason: 'died',
    at: 10_000,
    finishedAt: 7000,
  });
});

test.serial('an end before the first wait is not lost', async t => {
  const { watcher, never } = watch(t, { prints: [event('die', 'c1', { exitCode: '0' })], alive: ['c1'] });
  await delay(500);
  t.is((await watcher.ended('c1', never)).exitCode, 0);
});

test.serial('an oom event before the die event sets oomKilled', async t => {
  const { watcher, never } = watch(t, {
    prints: [event('oom', 'c1'), event('die', 'c1', { exitCode: '137' })],
    alive: ['c1'],
  });
  t.true((await watcher.ended('c1', never)).oomKilled);
});

test.serial('a destroy event without a die event counts as a removal', async t => {
  const { watcher, never } = watch(t, { prints: [event('destroy', 'c1')], alive: ['c1'] });
  t.is((await watcher.ended('c1', never)).reason, 'removed');
});

test.serial('a container that is missing on another engine does not count as removed', async t => {
  let isAnother = true;
  const { watcher, reported, never } = watch(t, { prints: [], alive: ['c1'], isAnother: () => isAnother });
  let isOver = false;
  const ended = watcher.ended('c2', never).finally(() => {
    isOver = true;
  });
  while (reported.length === 0) await delay(20);
  t.deepEqual(reported, ['unreachable: another engine']);
  t.false(isOver);
  isAnother = false;
  t.is((await ended).reason, 'removed');
  t.deepEqual(reported, ['unreachable: another engine', 'reachable']);
});

test.serial('the list finds an end without an event', async t => {
  const exited = [{ id: 'c1', state: 'exited' as const, exitCode: 3, oomKilled: true, finishedAt: 5 }];
  const { watcher, never } = watch(t, { exited });
  t.deepEqual(await watcher.ended('c1', never), {
    exitCode: 3,
    oomKilled: true,
    reason: 'died',
    at: 10_000,
    finishedAt: 5,
  });
});

for (const line of ['{"Action":"die"', event('die', 'c1'), 'WARNING: no event'])
  test.serial(`an unreadable line causes a list at once: ${line}`, async t => {
    const exited = [{ id: 'c1', state: 'exited' as const, exitCode: 3, oomKilled: false, finishedAt: 5 }];
    const { watcher, never } = watch(t, { prints: [line], exited, isSlow: true });
    t.is((await watcher.ended('c1', never)).exitCode, 3);
  });

test.serial('an unreadable line before the first wait causes a list too', async t => {
  const exited = [{ id: 'c1', state: 'exited' as const, exitCode: 3, oomKilled: false, finishedAt: 5 }];
  const { watcher, never } = watch(t, { prints: ['?'], exited, isSlow: true });
  await delay(500);
  t.is((await watcher.ended('c1', never)).exitCode, 3);
});

test.serial('many unreadable lines cause few lists', async t => {
  const prints = [...Array.from({ length: 500 }, () => '?'), event('die', 'c1', { exitCode: '0' })];
  const { watcher, lists, never } = watch(t, { prints, alive: ['c1'], isSlow: true });
  await watcher.ended('c1', never);
  t.true(lists() < 50, `${lists()} lists`);
});

test.serial('checkNow does not wait for the next list', async t => {
  const exited = [{ id: 'c1', state: 'exited' as const, exitCode: 3, oomKilled: false, finishedAt: 5 }];
  const { watcher, never } = watch(t, { exited, isSlow: true });
  t.is((await findEnd({ watcher }, 'c1', never))?.exitCode, 3);
});

test.serial('a wait with an aborted signal ends at once, without an unhandled rejection', async t => {
  const { watcher } = watch(t, { alive: ['c1'] });
  t.is(await findEnd({ watcher }, 'c1', AbortSignal.abort()), null);
  await delay(50);
});

test.serial(
  'a container that is missing from the list and cannot be inspected counts as removed',
  async t => {
    const { watcher, never } = watch(t, { alive: ['other'] });
    t.deepEqual(await watcher.ended('c1', never), {
      exitCode: null,
      oomKilled: false,
      reason: 'removed',
      at: 10_000,
    });
  },
);

test.serial('a wait for a running container lasts for any number of lists, and an abort ends it', async t => {
  const { watcher, lists } = watch(t, { alive: ['c1'] });
  const stop = new AbortController();
  const ended = watcher.ended('c1', stop.signal);
  while (lists() < 3) await delay(20);
  stop.abort(new Error('enough'));
  await t.throwsAsync(ended, { message: 'enough' });
});

test.serial(
  'an unreachable engine ends no wait, and its outage and its return are reported once each',
  async t => {
    let isUnreachable = true;
    const { watcher, reported, lists, never } = watch(t, {
      isUnreachable: () => isUnreachable,
      exited: [{ id: 'c1', state: 'exited', exitCode: 0, oomKilled: false, finishedAt: 5 }],
    });
    const ended = watcher.ended('c1', never);
    const reachable = watcher.waitUntilReachable(never);
    while (lists() < 3) await delay(20);
    t.deepEqual(reported, ['unreachable: no response']);
    isUnreachable = false;
    await reachable;
    t.is((await ended).exitCode, 0);
    t.deepEqual(reported, ['unreachable: no response', 'reachable']);
  },
);

test.serial("the start of an awaited container is reported once, by the engine's clock", async t => {
  const running = [
    { id: 'c1', state: 'running' as const, startedAt: 99_000 },
    { id: 'c2', state: 'created' as const, startedAt: -1 },
  ];
  const { watcher, reported, lists, never } = watch(t, { exited: running, alive: ['c1', 'c2'] });
  void watcher.ended('c1', never);
  void watcher.ended('c2', never);
  while (lists() < 4) await delay(20);
  t.deepEqual(reported, ['c1 started at 99000']);
});

test.serial("events are read since a time of the engine's clock, not of this host's", async t => {
  const { watcher, calls, never } = watch(t, {
    engineTime: 90_000_500,
    prints: [JSON.stringify({ ...JSON.parse(event('die', 'c1', { exitCode: '0' })), time: 90_123 })],
    refuses: 'Forbidden',
    isSlow: true,
  });
  await watcher.ended('c1', never);
  const sinces = () => [...calls().matchAll(/--since=(\d+)/g)].map(([, since]) => since);
  while (sinces().length < 2) await delay(20);
  t.deepEqual(sinces().slice(0, 2), ['90000', '90123']);
});

test.serial('without an engine time, events are read from now on', async t => {
  const { calls } = watch(t, {});
  while (!calls().includes('events')) await delay(20);
  t.false(calls().includes('--since'));
});

test.serial('refused events are reported once, and ends are found without them', async t => {
  const exited = [{ id: 'c1', state: 'exited' as const, exitCode: 3, oomKilled: false, finishedAt: 5 }];
  const { watcher, reported, calls, never } = watch(t, { exited, refuses: 'Error: Forbidden', isSlow: true });
  t.is((await watcher.ended('c1', never)).exitCode, 3);
  while (calls().split('\n').length < 6) await delay(20);
  t.deepEqual(reported, ['events refused: Error: Forbidden']);
});
