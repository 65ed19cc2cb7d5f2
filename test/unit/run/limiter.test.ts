import { setImmediate as soon } from 'node:timers/promises';
import test from 'ava';
import { StepError } from '../../../machines/step-error.ts';
import { adaptiveLimiter } from '../../../src/run/limiter.ts';

/** A limiter with its own clock, and calls that end when the test ends them. */
function testLimiter(maxConcurrency: number) {
  let now = 0;
  const changes: (number | null)[] = [];
  const limiter = adaptiveLimiter({
    maxConcurrency,
    now: () => now,
    onChange: atOnce => void changes.push(atOnce),
  });
  const running = new Map<string, PromiseWithResolvers<void>>();
  const ends: Promise<void>[] = [];
  const end = async (name: string, error?: Error) => {
    const work = running.get(name)!;
    running.delete(name);
    if (error) work.reject(error);
    else work.resolve();
    await soon();
  };
  return {
    changes,
    runningCalls: () => [...running.keys()].join(' '),
    async call(names: string, signal = new AbortController().signal) {
      for (const name of names.split(' ')) {
        const work = Promise.withResolvers<void>();
        const begun = () => {
          running.set(name, work);
          return work.promise;
        };
        ends.push(limiter(begun, signal).catch(() => {}));
      }
      await soon();
    },
    end,
    advance: (ms: number) => {
      now += ms;
    },
    fail: (name: string, kind: 'transient' | 'nameConflict' | 'unreachable') =>
      end(name, new StepError(kind, kind, { at: now })),
  };
}

test('calls run in order, up to the concurrency limit', async t => {
  const { call, runningCalls, end, changes } = testLimiter(2);
  await call('a b c d');
  t.is(runningCalls(), 'a b');
  await end('b');
  t.is(runningCalls(), 'a c');
  await end('a');
  t.is(runningCalls(), 'c d');
  t.deepEqual(changes, []);
});

test('a slow call halves the concurrency once, however many calls were slow with it', async t => {
  const { call, runningCalls, end, advance, changes } = testLimiter(8);
  await call('a b c d e f g h i j');
  advance(6_000);
  for (const name of 'a b c d e f'.split(' ')) await end(name);
  t.deepEqual(changes, [4]);
  t.is(runningCalls(), 'g h i j');
});

test('the concurrency never falls below one', async t => {
  const { call, runningCalls, end, advance, changes } = testLimiter(4);
  for (const name of 'a b c d'.split(' ')) {
    await call(name);
    t.is(runningCalls(), name);
    advance(9_000);
    await end(name);
    advance(1);
  }
  t.deepEqual(changes, [2, 1]);
});

test('each full round of fast calls raises the concurrency by one, up to the maximum', async t => {
  const { call, end, advance, changes } = testLimiter(4);
  await call('slow');
  advance(6_000);
  await end('slow');
  advance(1);
  for (const name of 'a b c d e'.split(' ')) {
    await call(name);
    await end(name);
  }
  t.deepEqual(changes, [2, 3, null]);
});

test('a transient failure halves the concurrency; a permanent one or an unreachable engine does not', async t => {
  const { call, fail, advance, changes } = testLimiter(8);
  await call('a b c');
  await fail('a', 'nameConflict');
  await fail('b', 'unreachable');
  t.deepEqual(changes, []);
  advance(1);
  await fail('c', 'transient');
  t.deepEqual(changes, [4]);
});

test('an aborted call leaves the queue without taking a slot', async t => {
  const { call, runningCalls, end } = testLimiter(1);
  const stop = new AbortController();
  await call('a');
  await call('b', stop.signal);
  await call('c');
  stop.abort(new Error('cancelled'));
  await call('d', stop.signal);
  await end('a');
  t.is(runningCalls(), 'c');
  await end('c');
  t.is(runningCalls(), '');
});

test('an aborted call is rejected at once while it waits, and keeps its slot while it runs', async t => {
  const limiter = adaptiveLimiter({ maxConcurrency: 1, now: () => 0, onChange: () => {} });
  const stop = new AbortController();
  const work = Promise.withResolvers<string>();
  let began = false;
  const running = limiter(() => work.promise, stop.signal);
  const waiting = limiter(async () => t.fail(), stop.signal);
  const last = limiter(async () => {
    began = true;
  }, new AbortController().signal);
  stop.abort(new Error('cancelled'));
  await t.throwsAsync(waiting, { message: 'cancelled' });
  t.false(began);
  work.resolve('done');
  t.is(await running, 'done');
  await last;
  t.true(began);
});
