import test from 'ava';
import { untilAbsent } from '../../../src/agent-container/absence-checks.ts';

/** Run checks that return the counts in `found`, then zero. */
async function checksFor(found: readonly number[], maxChecks?: number) {
  const pauses: number[] = [];
  let checks = 0;
  const check = async () => found[checks++] ?? 0;
  const sleep = async (ms: number) => void pauses.push(ms);
  await untilAbsent(check, { sleep, ...(maxChecks !== undefined && { maxChecks }) });
  return { checks, pauses };
}

test('three checks in a row, 300 ms apart, have to find nothing', async t => {
  t.deepEqual(await checksFor([]), { checks: 3, pauses: [300, 300] });
});

test('a check that finds something starts the count of three again', async t => {
  t.is((await checksFor([0, 0, 1])).checks, 6);
  t.is((await checksFor([2, 1])).checks, 5);
});

test('the number of checks can be limited', async t => {
  t.is((await checksFor(Array(100).fill(1), 20)).checks, 20);
});
