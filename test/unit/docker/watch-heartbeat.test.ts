import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Docker } from '../../../src/docker/cli.ts';
import type { Container, Containers } from '../../../src/docker/containers.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { watchContainers } from '../../../src/docker/watch.ts';
import { fakeDocker, until } from '../_helpers/fake-docker.ts';
import { virtualTime } from '../_helpers/virtual-time.ts';

interface Engine {
  isLocal?: boolean;
  /** Nothing responds, and nothing ends. */
  isSilent?: boolean;
  /** Duration of a list, in milliseconds. */
  listTakes?: number;
  /** Its containers have ended. */
  hasEnded?: boolean;
}

const never = new AbortController().signal;

/** Watch an engine that the test may change meanwhile, whose stream of events is open and silent. */
async function watching(t: ExecutionContext, engine: Engine) {
  const { here } = fakeDocker(t, 'echo "$*" >>"$here/calls"; exec sleep 60');
  const time = virtualTime();
  const stop = new AbortController();
  const reported: string[] = [];
  const heartbeats: number[] = [];
  const lists: number[] = [];
  const respond = async (takes: number, limit: number, signal = never) => {
    const isTimely = !engine.isSilent && takes < limit;
    await time.sleep(isTimely ? takes : limit, signal).catch(() => {});
    return isTimely;
  };
  const remoteDocker: Docker = async (args, { timeout = 60_000, signal = never } = {}) => {
    heartbeats.push(time.now());
    const ok = await respond(0, timeout, signal);
    return { args, ok, exitCode: 0, stdout: '', stderr: '', interrupted: ok ? null : 'timeout' };
  };
  const containers: Pick<Containers, 'list' | 'inspect'> = {
    async list(_, { signal = never } = {}) {
      lists.push(time.now());
      if (!(await respond(engine.listTakes ?? 0, 30_000, signal))) throw new Error('the list failed');
      return [{ id: 'c1', state: engine.hasEnded ? 'exited' : 'running', name: '', labels: '' }];
    },
    async inspect() {
      return [{ id: 'c1', state: 'exited', exitCode: 3, finishedAt: 5 } as Container];
    },
  };
  const watcher = watchContainers({
    containers,
    recorder: nullRecorder,
    runId: 'r1',
    signal: stop.signal,
    now: time.now,
    sleep: time.sleep,
    random: () => 1,
    remoteDocker: engine.isLocal ? null : remoteDocker,
    async confirmEngine() {},
    onUnreachable: message => reported.push(`${time.now()} unreachable: ${message}`),
    onReachable: () => reported.push(`${time.now()} reachable`),
    onEventsRefused: reason => reported.push(reason),
    onEventsRestored: () => {},
    onStarted: () => {},
  });
  t.teardown(async () => {
    stop.abort();
    await watcher.closed;
  });
  const hasEvents = () => existsSync(join(here, 'calls')) && readFileSync(join(here, 'calls'), 'utf8') !== '';
  t.true(await until(hasEvents));
  return { watcher, time, reported, heartbeats, lists };
}

test.serial(
  'a cut engine is unreachable after two heartbeats, and what ended meanwhile is found',
  async t => {
    const engine: Engine = {};
    const { watcher, time, reported, lists } = await watching(t, engine);
    const ended = watcher.ended('c1', never);
    await time.pass(35_000);
    engine.isSilent = true;
    const before = lists.length;
    await time.pass(60_000);
    t.deepEqual(reported, ['55000 unreachable: no response within 5 s, twice in a row']);
    t.true(lists.length > before);
    engine.isSilent = false;
    engine.hasEnded = true;
    await time.pass(10_000);
    t.deepEqual(reported.slice(1), ['100000 reachable']);
    t.is((await ended).exitCode, 3);
  },
);

test.serial(
  'an engine with slow lists stays reachable, and with lists that fail it is reported once',
  async t => {
    const engine: Engine = { listTakes: 25_000 };
    const { watcher, time, reported } = await watching(t, engine);
    void watcher.ended('c1', never);
    await time.pass(300_000);
    t.deepEqual(reported, []);
    engine.listTakes = 35_000;
    await time.pass(600_000);
    t.is(reported.length, 1);
    t.regex(reported[0]!, /the list failed$/);
  },
);

test.serial('heartbeats are made while something waits for an end or for the engine', async t => {
  const engine: Engine = {};
  const { watcher, time, reported, heartbeats } = await watching(t, engine);
  await time.pass(60_000);
  t.deepEqual(heartbeats, []);
  engine.isSilent = true;
  const reachable = watcher.waitUntilReachable(never);
  await time.pass(60_000);
  t.true(heartbeats.length > 3);
  t.is(reported.length, 1);
  engine.isSilent = false;
  await time.pass(10_000);
  await reachable;
  const before = heartbeats.length;
  await time.pass(60_000);
  t.is(heartbeats.length, before);
});

test.serial('a local engine has no heartbeat', async t => {
  const { watcher, time, reported, heartbeats } = await watching(t, { isLocal: true, isSilent: true });
  void watcher.ended('c1', never);
  await time.pass(120_000);
  t.deepEqual(heartbeats, []);
  t.is(reported.length, 1);
});
