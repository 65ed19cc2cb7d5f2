import test, { type ExecutionContext } from 'ava';
import { poll } from '../../../src/docker/poll.ts';
import { virtualTime } from '../_helpers/virtual-time.ts';

interface Engine {
  isUnreachable?: boolean;
  /** Duration of a response, in milliseconds. */
  takes?: number;
  isNeeded?: boolean;
  /** A call neither succeeds nor fails before it is aborted. */
  isSilent?: boolean;
}

const minute = 60_000;
const never = new AbortController().signal;

/** Poll an engine that the test may change meanwhile. Each pause has its maximum length. */
function polling(t: ExecutionContext, engine: Engine) {
  const time = virtualTime();
  const stop = new AbortController();
  const reported: string[] = [];
  const calls: number[] = [];
  let concurrent = 0;
  const { closed, ...polled } = poll({
    async call(signal) {
      calls.push(time.now());
      t.is(++concurrent, 1, 'one call at a time');
      const takes = engine.isSilent ? 60 * minute : (engine.takes ?? 0);
      if (takes > 0) await time.sleep(takes, signal).finally(() => concurrent--);
      else concurrent--;
      if (engine.isUnreachable) throw new Error('no response');
    },
    isNeeded: () => engine.isNeeded ?? false,
    interval: () => minute,
    signal: stop.signal,
    sleep: time.sleep,
    random: () => 1,
    onUnreachable: message => reported.push(`unreachable: ${message}`),
    onReachable: () => reported.push('reachable'),
  });
  t.teardown(async () => {
    stop.abort();
    await time.pass(0);
    await closed;
  });
  return { time, reported, calls, ...polled };
}

/** Start `size` waits, and return the list of results so far. */
function crowd(size: number, wait: () => Promise<unknown>) {
  const results: unknown[] = [];
  for (let index = 0; index < size; index++) void wait().then(result => results.push(result));
  return results;
}

test('forty waiters for an unreachable engine share calls with backoff, and one success resolves all', async t => {
  const engine: Engine = { isUnreachable: true };
  const { time, reported, calls, waitUntilReachable } = polling(t, engine);
  const results = crowd(40, () => waitUntilReachable(never));
  await time.pass(minute);
  const [first, second] = [calls.filter(at => at < minute / 2), calls.filter(at => at >= minute / 2)];
  t.true(first.length > second.length);
  t.true(calls.length < 20, `${calls.length} in a minute`);
  t.deepEqual(reported, ['unreachable: no response']);
  t.is(results.length, 0);

  const before = calls.length;
  engine.isUnreachable = false;
  await time.pass(10_000);
  t.is(calls.length, before + 1);
  t.is(results.length, 40);
  t.deepEqual(reported, ['unreachable: no response', 'reachable']);
});

test('pollNow does not shorten the backoff of an unreachable engine', async t => {
  const { time, calls, waitUntilReachable, pollNow } = polling(t, { isUnreachable: true });
  crowd(1, () => waitUntilReachable(never));
  await time.pass(minute);
  const before = calls.length;
  for (let second = 0; second < 60; second++) {
    pollNow();
    crowd(40, () => waitUntilReachable(never));
    await time.pass(1_000);
  }
  t.true(calls.length - before <= 13, `${calls.length - before} in a minute`);
});

test('an engine that takes half a minute gets one call at a time', async t => {
  const { time, calls, waitUntilReachable } = polling(t, { takes: 30_000 });
  const early = crowd(20, () => waitUntilReachable(never));
  await time.pass(10_000);
  const late = crowd(20, () => waitUntilReachable(never));
  await time.pass(25_000);
  t.deepEqual([early.length, late.length], [20, 0]);
  await time.pass(30_000);
  t.is(late.length, 20);
  t.is(calls.length, 2);
});

test('a result is never older than its request', async t => {
  const { time, waitUntilReachable, pollNow } = polling(t, { takes: 1_000 });
  pollNow();
  crowd(1, () => waitUntilReachable(never));
  await time.pass(500);
  const results = crowd(1, () => waitUntilReachable(never));
  await time.pass(700);
  t.is(results.length, 0);
  await time.pass(5_000);
  t.is(results.length, 1);
});

test('a waiter that aborts rejects, and the others still get the result', async t => {
  const engine: Engine = { isUnreachable: true };
  const { time, waitUntilReachable, next } = polling(t, engine);
  const stop = new AbortController();
  const aborted = waitUntilReachable(stop.signal);
  const results = crowd(3, () => waitUntilReachable(never));
  const outcomes = crowd(1, () => next(never));
  await time.pass(1_000);
  stop.abort(new Error('enough'));
  await t.throwsAsync(aborted, { message: 'enough' });
  t.deepEqual(outcomes, [false]);
  engine.isUnreachable = false;
  await time.pass(10_000);
  t.is(results.length, 3);
});

test('an engine that responds to lists only is polled with backoff', async t => {
  const { time, reported, calls, waitUntilReachable } = polling(t, {});
  for (let agent = 0; agent < 40; agent++)
    void (async () => {
      for (;;) await waitUntilReachable(never);
    })();
  await time.pass(minute);
  t.true(calls.length < 20, `${calls.length} in a minute`);
  t.deepEqual(reported, []);
});

test('requests during an outage do not slow the engine down afterwards', async t => {
  const engine: Engine = { isUnreachable: true };
  const { time, calls, waitUntilReachable, pollNow } = polling(t, engine);
  crowd(1, () => waitUntilReachable(never));
  await time.pass(minute);
  crowd(40, () => waitUntilReachable(never));
  engine.isUnreachable = false;
  await time.pass(10_000);
  const before = calls.length;
  engine.isNeeded = true;
  pollNow();
  await time.pass(0);
  t.is(calls.length, before + 1);
});

test('without waiters there are no calls; with them one per interval, and one at once for pollNow', async t => {
  const engine: Engine = { isNeeded: false };
  const { time, calls, pollNow } = polling(t, engine);
  await time.pass(10 * minute);
  t.is(calls.length, 0);
  engine.isNeeded = true;
  await time.pass(10 * minute);
  t.is(calls.length, 10);
  pollNow();
  pollNow();
  await time.pass(0);
  t.is(calls.length, 11);
});

test('an engine that is reported as unreachable is called at once, and is so until a call succeeds', async t => {
  const engine: Engine = { isSilent: true };
  const { time, reported, calls, reportUnreachable, isActive, retryNow, next } = polling(t, engine);
  await time.pass(1_000);
  t.false(isActive());
  reportUnreachable('silent');
  reportUnreachable('silent');
  t.true(isActive());
  await time.pass(5 * minute);
  t.deepEqual(calls, [1_000]);
  t.deepEqual(reported, ['unreachable: silent']);
  engine.isSilent = false;
  const outcomes = crowd(1, () => next(never));
  retryNow();
  await time.pass(0);
  t.deepEqual(reported, ['unreachable: silent', 'reachable']);
  t.deepEqual(outcomes, [true]);
  t.false(isActive());
});

test('a call that succeeds after the engine was reported as unreachable makes it reachable', async t => {
  const { time, reported, calls, reportUnreachable, pollNow } = polling(t, { isNeeded: true, takes: 20_000 });
  pollNow();
  await time.pass(15_000);
  reportUnreachable('silent');
  await time.pass(5_000);
  t.is(calls.length, 2);
  t.deepEqual(reported, ['unreachable: silent', 'reachable']);
});

test('retryNow ends the backoff of an unreachable engine once', async t => {
  const engine: Engine = { isUnreachable: true };
  const { time, reported, calls, waitUntilReachable, retryNow } = polling(t, engine);
  crowd(1, () => waitUntilReachable(never));
  await time.pass(minute);
  const before = calls.length;
  retryNow();
  await time.pass(0);
  t.is(calls.length, before + 1);
  await time.pass(minute);
  t.true(calls.length - before < 20, `${calls.length - before} in a minute`);
  t.deepEqual(reported, ['unreachable: no response']);
});

test('retryNow changes nothing for a reachable engine', async t => {
  const { time, calls, pollNow, retryNow } = polling(t, { isNeeded: true, takes: 20_000 });
  pollNow();
  await time.pass(10_000);
  retryNow();
  await time.pass(10_000 + minute - 1);
  t.deepEqual(calls, [0]);
});
