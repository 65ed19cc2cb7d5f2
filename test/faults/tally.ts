import { appendFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';

/** Whether the whole grid is asked for, or what is telling in a minute and a half. */
export const isWhole = process.env.FAULTS === 'all';

export interface Cell {
  readonly block: string;
  /** The row of docs/faults.md that it counts for. */
  readonly fault: string;
  readonly title: string;
  /** How many runs it stands for; 1 where nothing is said. */
  readonly runs?: number;
}

/** A test that is counted: `scripts/faults --write` makes its table of these lines. */
export function cell(
  { block, fault, title, runs = 1 }: Cell,
  body: (t: ExecutionContext) => void | Promise<void>,
) {
  test.serial(title, async t => {
    let passed = 0;
    try {
      await body(t);
      if (t.passed) passed = runs;
    } finally {
      const line = JSON.stringify({ block, fault, runs, passed });
      if (process.env.FAULTS_TALLY) appendFileSync(process.env.FAULTS_TALLY, `${line}\n`);
    }
  });
}
