import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'ava';
import { fairTurns } from '../../../src/async/fair-turns.ts';

test('no more callers continue in one turn of the event loop than given, in the order of their calls', async t => {
  const turn = fairTurns(2);
  const continued: number[] = [];
  for (let caller = 1; caller <= 5; caller++) void turn().then(() => continued.push(caller));
  t.deepEqual(continued, []);
  await nextTurn();
  t.deepEqual(continued, [1, 2]);
  await nextTurn();
  t.deepEqual(continued, [1, 2, 3, 4]);
  await nextTurn();
  t.deepEqual(continued, [1, 2, 3, 4, 5]);
});

test('a caller after a pause continues in the next turn', async t => {
  const turn = fairTurns(2);
  await turn();
  let hasContinued = false;
  void turn().then(() => {
    hasContinued = true;
  });
  await nextTurn();
  t.true(hasContinued);
});
