import { appendFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';

/** Whether the full suite runs, and not the representative subset of a minute and a half. */
export const isWhole = process.env.FAULTS === 'all';

export interface Cell {
  readonly block: string;
  /** Its row in docs/faults.md. */
  readonly fault: string;
  readonly title: string;
  /** The number of runs it counts for; 1 by default. */
  readonly runs?: number;
}

/** A counted test: `scripts/faults --write` generates its table from these lines. */
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
