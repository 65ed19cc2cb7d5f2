import test from 'ava';
import { untilQuiet } from '../../../src/agent-container/quiet-checks.ts';

/** Run checks that find so much, one after another, and nothing from then on. */
async function checksFor(found: readonly number[], maxChecks?: number) {
  const pauses: number[] = [];
  let checks = 0;
  const check = async () => found[checks++] ?? 0;
  const sleep = async (ms: number) => void pauses.push(ms);
  await untilQuiet(check, { sleep, ...(maxChecks !== undefined && { maxChecks }) });
  return { checks, pauses };
}

test('absence is believed after three checks in a row that find nothing, 300 ms apart', async t => {
  t.deepEqual(await checksFor([]), { checks: 3, pauses: [300, 300] });
});

test('a check that finds something makes it three more', async t => {
  t.is((await checksFor([0, 0, 1])).checks, 6);
  t.is((await checksFor([2, 1])).checks, 5);
});

test('the number of checks can be limited', async t => {
  t.is((await checksFor(Array(100).fill(1), 20)).checks, 20);
});
