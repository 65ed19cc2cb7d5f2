import test, { type ExecutionContext } from 'ava';
import { followEvents } from '../../../src/docker/follow-events.ts';
import type { CallEnd } from '../../../src/docker/recorder.ts';
import { virtualTime } from '../_helpers/virtual-time.ts';

interface Engine {
  /** Duration of its event streams, in milliseconds. */
  lasts: number;
  isUnreachable?: boolean;
}

const minute = 60_000;
const denied: CallEnd = { ok: false, exitCode: 1, stderr: 'Error: Forbidden\n', interrupted: null };

function following(t: ExecutionContext, engine: Engine) {
  const time = virtualTime();
  const stop = new AbortController();
  const opened: number[] = [];
  const reported: string[] = [];
  const over = followEvents({
    async open() {
      opened.push(time.now());
      await time.sleep(engine.lasts, stop.signal).catch(() => {});
      return denied;
    },
    poll: {
      async next(signal) {
        await time.sleep(engine.isUnreachable ? 1_000 : 10, signal);
        return !engine.isUnreachable;
      },
    },
    signal: stop.signal,
    sleep: time.sleep,
    random: () => 1,
    onRefused: reason => reported.push(reason),
    onRestored: () => reported.push('restored'),
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
  return { time, reported, opened, openedIn };
}

test('a refused event stream is reopened with backoff, and its refusal and recovery are reported once each', async t => {
  const engine = { lasts: 0 };
  const { reported, openedIn } = following(t, engine);
  const first = await openedIn(minute);
  const second = await openedIn(minute);
  t.true(first > second);
  t.true(second <= 3, `${second} in a minute`);
  await openedIn(20 * minute);
  t.deepEqual(reported, ['Error: Forbidden']);
  engine.lasts = 60 * minute;
  await openedIn(20 * minute);
  t.deepEqual(reported, ['Error: Forbidden', 'restored']);
});

test('a stream that a proxy closes every ten seconds is reopened at once', async t => {
  const { reported, openedIn } = following(t, { lasts: 10_000 });
  t.is(await openedIn(10 * minute), 60);
  t.deepEqual(reported, []);
});

test('an unreachable engine does not count as a refusal, and its events are read again once it responds', async t => {
  const engine: Engine = { lasts: 0, isUnreachable: true };
  const { time, reported, opened, openedIn } = following(t, engine);
  t.true((await openedIn(10 * minute)) < 60);
  engine.isUnreachable = false;
  const since = time.now();
  engine.lasts = 60 * minute;
  await openedIn(2 * minute);
  t.true(opened.at(-1)! >= since);
  t.deepEqual(reported, []);
});

test('a stream that occasionally ends at once does not count as refused', async t => {
  const engine = { lasts: 0 };
  const { time, reported } = following(t, engine);
  for (let round = 0; round < 10; round++) {
    engine.lasts = 0;
    await time.pass(100);
    engine.lasts = 10_000;
    await time.pass(minute);
  }
  t.deepEqual(reported, []);
});
