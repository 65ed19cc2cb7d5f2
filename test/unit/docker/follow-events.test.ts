import test, { type ExecutionContext } from 'ava';
import { followEvents } from '../../../src/docker/follow-events.ts';
import type { CallEnd } from '../../../src/docker/recorder.ts';
import { virtualTime } from '../_helpers/virtual-time.ts';

interface Engine {
  /** How long its streams last, in milliseconds. */
  lasts: number;
  isAway?: boolean;
}

const minute = 60_000;
const denied: CallEnd = { ok: false, exitCode: 1, stderr: 'Error: Forbidden\n', interrupted: null };

function following(t: ExecutionContext, engine: Engine) {
  const time = virtualTime();
  const stop = new AbortController();
  const opened: number[] = [];
  const told: string[] = [];
  const over = followEvents({
    async open() {
      opened.push(time.now());
      await time.sleep(engine.lasts, stop.signal).catch(() => {});
      return denied;
    },
    poll: {
      async next(signal) {
        await time.sleep(engine.isAway ? 1_000 : 10, signal);
        return !engine.isAway;
      },
    },
    signal: stop.signal,
    sleep: time.sleep,
    random: () => 1,
    onRefused: reason => told.push(reason),
    onRestored: () => told.push('restored'),
  });
  t.teardown(async () => {
    stop.abort();
    await over;
  });
  const openedIn = async (ms: number) => {
    const before = opened.length;
    await time.pass(ms);
    return opened.length - before;
  };
  return { time, told, opened, openedIn };
}

test('refused events are retried with backoff and reported once, and so is their return', async t => {
  const engine = { lasts: 0 };
  const { told, openedIn } = following(t, engine);
  const first = await openedIn(minute);
  const second = await openedIn(minute);
  t.true(first > second);
  t.true(second <= 3, `${second} in a minute`);
  await openedIn(20 * minute);
  t.deepEqual(told, ['Error: Forbidden']);
  engine.lasts = 60 * minute;
  await openedIn(20 * minute);
  t.deepEqual(told, ['Error: Forbidden', 'restored']);
});

test('a stream that a proxy ends every ten seconds works, and is reopened at once', async t => {
  const { told, openedIn } = following(t, { lasts: 10_000 });
  t.is(await openedIn(10 * minute), 60);
  t.deepEqual(told, []);
});

test('an unreachable engine refuses nothing, and its events are read again as soon as it is back', async t => {
  const engine: Engine = { lasts: 0, isAway: true };
  const { time, told, opened, openedIn } = following(t, engine);
  t.true((await openedIn(10 * minute)) < 60);
  engine.isAway = false;
  const since = time.now();
  engine.lasts = 60 * minute;
  await openedIn(2 * minute);
  t.true(opened.at(-1)! >= since);
  t.deepEqual(told, []);
});

test('a stream that ends at once occasionally is not refused', async t => {
  const engine = { lasts: 0 };
  const { time, told } = following(t, engine);
  for (let round = 0; round < 10; round++) {
    engine.lasts = 0;
    await time.pass(100);
    engine.lasts = 10_000;
    await time.pass(minute);
  }
  t.deepEqual(told, []);
});
