import test from 'ava';
import { sleepUntil } from '../../../src/actors/sleep-until.ts';
import { never } from '../_helpers/actor-ports.ts';

/** Create a wall clock that each sleep advances, the first one also by `jump`. */
function wallClock(jump = 0) {
  const slept: number[] = [];
  let now = 1_000;
  return {
    slept,
    now: () => now,
    sleep: async (ms: number) => {
      slept.push(ms);
      now += ms + (slept.length === 1 ? jump : 0);
    },
  };
}

test('a long wait is made of sleeps of at most a minute', async t => {
  const clock = wallClock();
  await sleepUntil(clock, 151_000, never);
  t.deepEqual(clock.slept, [60_000, 60_000, 30_000]);
});

test('a time that has passed is not waited for', async t => {
  const clock = wallClock();
  await sleepUntil(clock, 1_000, never);
  t.deepEqual(clock.slept, []);
});

test('a clock that is set forwards ends the wait, and one that is set backwards does not prolong it', async t => {
  const forwards = wallClock(3_600_000);
  await sleepUntil(forwards, 151_000, never);
  t.deepEqual(forwards.slept, [60_000]);
  const backwards = wallClock(-3_600_000);
  await sleepUntil(backwards, 151_000, never);
  t.deepEqual(backwards.slept, [60_000, 60_000, 30_000]);
});

test('an abort rejects', async t => {
  const sleep = async (_: number, signal: AbortSignal) => signal.throwIfAborted();
  const signal = AbortSignal.abort(new Error('enough'));
  await t.throwsAsync(sleepUntil({ now: () => 0, sleep }, 10, signal), { message: 'enough' });
});
