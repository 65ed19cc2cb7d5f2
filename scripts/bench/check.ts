import { readFileSync, writeFileSync } from 'node:fs';
import { load } from './machine.ts';
import {
  latencyRatios,
  measureLatency,
  measureStartUp,
  measureWall,
  type Ratios,
  startUpRatios,
  wallRatios,
} from './measure.ts';

const file = new URL('expected.json', import.meta.url);
const tolerance = 1.2;

/** Measurements of a check, each with its ratios, in three minutes together. */
const measurements: readonly ((folder: string) => Promise<Ratios>)[] = [
  async folder => startUpRatios(await measureStartUp(folder, 9)),
  async folder => latencyRatios(await measureLatency(folder, 3)),
  async folder => wallRatios(await measureWall(folder, 1, 7, ['floor', 'agent-flow'])),
  async folder => wallRatios(await measureWall(folder, 20, 2, ['floor', 'agent-flow'])),
];

/** Compare ratios with the expected ones. One that is too large is measured once more. Returns the exit code. */
export async function checkRatios(folder: string): Promise<number> {
  const expected: Ratios = JSON.parse(readFileSync(file, 'utf8'));
  const isTooLarge = ([name, ratio]: [string, number]) => ratio > (expected[name] ?? Infinity) * tolerance;
  console.log(`load ${load()}`);
  let failed = 0;
  for (const measure of measurements) {
    const first = await measure(folder);
    const second = Object.entries(first).some(isTooLarge) ? await measure(folder) : first;
    for (const [name, ratio] of Object.entries(first)) {
      const best = Math.min(ratio, second[name]!);
      const isFailed = isTooLarge([name, best]);
      failed += Number(isFailed);
      console.log(
        `${isFailed ? 'not ok' : 'ok'} ${name}: ${best.toFixed(2)}, expected ${expected[name] ?? 'nothing'}`,
      );
    }
  }
  console.log(`load ${load()}`);
  return failed === 0 ? 0 : 1;
}

/** Expect these ratios from now on. */
export function writeExpected(ratios: Ratios): void {
  const rounded = Object.entries(ratios).map(([name, ratio]) => [name, Number(ratio.toFixed(2))]);
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(rounded), null, 2)}\n`);
}
