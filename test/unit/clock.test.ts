import test from 'ava';
import { sleepUntil } from '../../src/actors/sleep-until.ts';
import { inPieces, systemClock } from '../../src/clock.ts';

const { signal } = new AbortController();
const day = 24 * 3_600_000;

test('a sleep of weeks does not end early, and can be aborted', async t => {
  for (const ms of [2 ** 31, 30 * day, 400 * day, Number.MAX_SAFE_INTEGER]) {
    const stop = new AbortController();
    const weeks = systemClock.sleep(ms, stop.signal);
    t.is(await Promise.race([weeks.then(() => 'weeks'), systemClock.sleep(20, signal)]), undefined);
    stop.abort(new Error('aborted'));
    await t.throwsAsync(weeks);
  }
});

test('a long sleep is split into pieces within the range of a timer', async t => {
  const pieces: number[] = [];
  const sleep = inPieces(async ms => void pieces.push(ms));
  await sleep(60 * day, signal);
  t.is(
    pieces.reduce((sum, ms) => sum + ms, 0),
    60 * day,
  );
  t.true(Math.max(...pieces) < 2 ** 31);
  pieces.length = 0;
  await sleep(5, signal);
  t.deepEqual(pieces, [5]);
});

/** Return how long `sleepUntil` sleeps if the wall clock is set by `setBy` after the first piece of sleep. */
async function slept(ms: number, setBy: number): Promise<number> {
  let wall = 1_000_000;
  let total = 0;
  const clock = {
    now: () => wall,
    async sleep(piece: number) {
      wall += piece + (total === 0 ? setBy : 0);
      total += piece;
    },
  };
  await sleepUntil(clock, wall + ms, signal);
  return total;
}

test('sleepUntil ends at its time after a suspend, and a clock that is set back does not prolong it', async t => {
  const hour = 3_600_000;
  t.is(await slept(2 * hour, 0), 2 * hour);
  t.is(await slept(2 * hour, hour), hour);
  t.is(await slept(2 * hour, 9 * hour), 60_000);
  t.is(await slept(2 * hour, -hour), 2 * hour);
  t.is(await slept(5, 0), 5);
  for (const past of [0, -1, -hour, Number.NEGATIVE_INFINITY]) t.is(await slept(past, 0), 0);
});
