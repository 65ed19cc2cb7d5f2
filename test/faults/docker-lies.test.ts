import { appendFileSync } from 'node:fs';
import test from 'ava';
import { cell, isItself, type VerbName, verbs } from './docker-cells.ts';
import { type Mode, modes } from './docker-shim.ts';

/**
 * Each docker call of a run × each way in which docker can lie about it, once. FAULTS=all runs all of them; without
 * it, those that tell most, and that wait for no limit of the engine.
 */
const telling: readonly (readonly [VerbName, Mode])[] = [
  ['info', 'prints half of its answer'],
  ['image inspect', 'does nothing and says nothing'],
  ['network create', 'does nothing and says nothing'],
  ['ps at the start', 'prints half of its answer'],
  ['container inspect', 'is killed, and it lands later'],
  ['create', 'does it, then fails'],
  ['create', 'is killed, and it lands later'],
  ['create', 'prints half of its answer'],
  ['start', 'does nothing and says nothing'],
  ['start', 'is killed, and it lands later'],
  ['exec agent-ready', 'is killed, and it lands later'],
  ['exec agent-inject', 'does it, then fails'],
  ['exec agent-inject', 'does nothing and says nothing'],
  ['logs', 'does nothing and says nothing'],
  ['rm', 'is killed, and it lands later'],
  ['ps at the end', 'fails before doing it'],
  ['stop', 'hangs'],
];
const all = (Object.keys(verbs) as VerbName[])
  .flatMap(verb => modes.map(mode => [verb, mode] as const))
  .filter(([verb, mode]) => isItself(verb, mode));

const places = 3;
let busy = 0;
const queue: (() => void)[] = [];

for (const [verb, mode] of process.env.FAULTS === 'all' ? all : telling)
  test(`docker ${verb} ${mode}`, async t => {
    // Most of it is spent waiting for a place.
    t.timeout(4 * 3_600_000);
    if (busy >= places) await new Promise<void>(resolve => queue.push(resolve));
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

/** A line of the tally that docs/faults.md is made of. */
function count(fault: Mode, passed: boolean): void {
  const line = JSON.stringify({ block: 'B', fault, runs: 1, passed: passed ? 1 : 0 });
  if (process.env.FAULTS_TALLY) appendFileSync(process.env.FAULTS_TALLY, `${line}\n`);
}
