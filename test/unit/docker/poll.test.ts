import test, { type ExecutionContext } from 'ava';
import { backoff } from '../../../src/docker/backoff.ts';
import { poll } from '../../../src/docker/poll.ts';
import { virtualTime } from '../_helpers/virtual-time.ts';

interface Engine {
  isAway?: boolean;
  /** How long an answer takes, in milliseconds. */
  takes?: number;
  isNeeded?: boolean;
}

const minute = 60_000;
const never = new AbortController().signal;

/** A poll of an engine whose ways the test may change meanwhile. Each pause is as long as it may be. */
function polling(t: ExecutionContext, engine: Engine) {
  const time = virtualTime();
  const stop = new AbortController();
  const told: string[] = [];
  const asked: number[] = [];
  let atOnce = 0;
  const { pollNow, next, reachable, closed } = poll({
    async ask() {
      asked.push(time.now());
      t.is(++atOnce, 1, 'one question at a time');
      if (engine.takes) await time.sleep(engine.takes, never);
      atOnce--;
      if (engine.isAway) throw new Error('no answer');
    },
    isNeeded: () => engine.isNeeded ?? false,
    interval: () => minute,
    signal: stop.signal,
    sleep: time.sleep,
    random: () => 1,
    onUnreachable: message => told.push(`away: ${message}`),
    onReachable: () => told.push('back'),
  });
  t.teardown(async () => {
    stop.abort();
    await time.pass(0);
    await closed;
  });
  return { time, told, asked, pollNow, next, reachable };
}

/** Those of many who have been answered so far. */
function crowd(size: number, wait: () => Promise<unknown>) {
  const answers: unknown[] = [];
  for (let index = 0; index < size; index++) void wait().then(answer => answers.push(answer));
  return answers;
}

test('forty waiters for an unreachable engine share its lists, which back off, and one success resolves all', async t => {
  const engine: Engine = { isAway: true };
  const { time, told, asked, reachable } = polling(t, engine);
  const answers = crowd(40, () => reachable(never));
  await time.pass(minute);
  const [first, second] = [asked.filter(at => at < minute / 2), asked.filter(at => at >= minute / 2)];
  t.true(first.length > second.length);
  t.true(asked.length < 20, `${asked.length} in a minute`);
  t.deepEqual(told, ['away: no answer']);
  t.is(answers.length, 0);

  const before = asked.length;
  engine.isAway = false;
  await time.pass(10_000);
  t.is(asked.length, before + 1);
  t.is(answers.length, 40);
  t.deepEqual(told, ['away: no answer', 'back']);
});

test('pollNow does not shorten the backoff of an unreachable engine', async t => {
  const { time, asked, reachable, pollNow } = polling(t, { isAway: true });
  crowd(1, () => reachable(never));
  await time.pass(minute);
  const before = asked.length;
  for (let second = 0; second < 60; second++) {
    pollNow();
    crowd(40, () => reachable(never));
    await time.pass(1_000);
  }
  t.true(asked.length - before <= 13, `${asked.length - before} in a minute`);
});

test('an engine that takes half a minute gets one call at a time', async t => {
  const { time, asked, reachable } = polling(t, { takes: 30_000 });
  const early = crowd(20, () => reachable(never));
  await time.pass(10_000);
  const late = crowd(20, () => reachable(never));
  await time.pass(25_000);
  t.deepEqual([early.length, late.length], [20, 0]);
  await time.pass(30_000);
  t.is(late.length, 20);
  t.is(asked.length, 2);
});

test('a result is never older than its request', async t => {
  const { time, reachable, pollNow } = polling(t, { takes: 1_000 });
  pollNow();
  crowd(1, () => reachable(never));
  await time.pass(500);
  const answers = crowd(1, () => reachable(never));
  await time.pass(700);
  t.is(answers.length, 0);
  await time.pass(5_000);
  t.is(answers.length, 1);
});

test('a waiter that aborts rejects, and the others still get the result', async t => {
  const engine: Engine = { isAway: true };
  const { time, reachable, next } = polling(t, engine);
  const stop = new AbortController();
  const given = reachable(stop.signal);
  const answers = crowd(3, () => reachable(never));
  const outcomes = crowd(1, () => next(never));
  await time.pass(1_000);
  stop.abort(new Error('enough'));
  await t.throwsAsync(given, { message: 'enough' });
  t.deepEqual(outcomes, [false]);
  engine.isAway = false;
  await time.pass(10_000);
  t.is(answers.length, 3);
});

test('an engine that responds to lists only is polled with backoff', async t => {
  const { time, told, asked, reachable } = polling(t, {});
  for (let agent = 0; agent < 40; agent++)
    void (async () => {
      for (;;) await reachable(never);
    })();
  await time.pass(minute);
  t.true(asked.length < 20, `${asked.length} in a minute`);
  t.deepEqual(told, []);
});

test('requests during an outage do not slow the engine down afterwards', async t => {
  const engine: Engine = { isAway: true };
  const { time, asked, reachable, pollNow } = polling(t, engine);
  crowd(1, () => reachable(never));
  await time.pass(minute);
  crowd(40, () => reachable(never));
  engine.isAway = false;
  await time.pass(10_000);
  const before = asked.length;
  engine.isNeeded = true;
  pollNow();
  await time.pass(0);
  t.is(asked.length, before + 1);
});

test('without waiters there are no calls; with them one per interval, and one at once for pollNow', async t => {
  const engine: Engine = { isNeeded: false };
  const { time, asked, pollNow } = polling(t, engine);
  await time.pass(10 * minute);
  t.is(asked.length, 0);
  engine.isNeeded = true;
  await time.pass(10 * minute);
  t.is(asked.length, 10);
  pollNow();
  pollNow();
  await time.pass(0);
  t.is(asked.length, 11);
});

test('a pause is a random part of a bound that doubles with each failure', t => {
  const options = { base: 100, most: 5_000 };
  const longest = [1, 2, 3, 6, 7, 1_000, 1e6].map(failures => backoff(failures, options, () => 1));
  t.deepEqual(longest, [100, 200, 400, 3_200, 5_000, 5_000, 5_000]);
  t.is(
    backoff(3, options, () => 0.25),
    100,
  );
  t.is(
    backoff(3, options, () => 0),
    0,
  );
});
