import { appendFileSync } from 'node:fs';
import test from 'ava';
import { cell, isDistinct, type VerbName, verbs } from './docker-cells.ts';
import { type Mode, modes } from './docker-shim.ts';

/**
 * Each docker call of a run × each fault of docker, once. FAULTS=all runs all of them; without it, a representative
 * subset that waits for no timeout of the supervisor.
 */
const representative: readonly (readonly [VerbName, Mode])[] = [
  ['info', 'prints half of its output'],
  ['image inspect', 'does nothing and prints nothing'],
  ['network create', 'does nothing and prints nothing'],
  ['ps of a reconciliation', 'prints half of its output'],
  ['container inspect', 'is killed, and it completes later'],
  ['create', 'does it, then fails'],
  ['create', 'is killed, and it completes later'],
  ['create', 'prints half of its output'],
  ['start', 'does nothing and prints nothing'],
  ['start', 'is killed, and it completes later'],
  ['exec agent-inject', 'is killed, and it completes later'],
  ['exec agent-inject', 'does it, then fails'],
  ['exec agent-inject', 'does nothing and prints nothing'],
  ['logs', 'does nothing and prints nothing'],
  ['rm', 'is killed, and it completes later'],
  ['ps at the end', 'fails before doing it'],
  ['stop', 'hangs'],
];
const all = (Object.keys(verbs) as VerbName[])
  .flatMap(verb => modes.map(mode => [verb, mode] as const))
  .filter(([verb, mode]) => isDistinct(verb, mode));

const slots = 3;
let busy = 0;
const queue: (() => void)[] = [];

for (const [verb, mode] of process.env.FAULTS === 'all' ? all : representative)
  test(`docker ${verb} ${mode}`, async t => {
    // Most of the time is spent waiting for a free slot.
    t.timeout(4 * 3_600_000);
    if (busy >= slots) await new Promise<void>(resolve => queue.push(resolve));
    else busy++;
    try {
      await cell(t, verb, mode);
    } finally {
      count(mode, t.passed);
      const next = queue.shift();
      if (next) next();
      else busy--;
    }
  });

/** A line of the tally that docs/faults.md is generated from. */
function count(fault: Mode, passed: boolean): void {
  const line = JSON.stringify({ block: 'B', fault, runs: 1, passed: passed ? 1 : 0 });
  if (process.env.FAULTS_TALLY) appendFileSync(process.env.FAULTS_TALLY, `${line}\n`);
}
