import test from 'ava';
import { EngineError, FlowError, UsageError } from '../../../src/errors.ts';
import { retrySchedule } from '../../../src/run/retry-schedule.ts';

function desk() {
  let time = 0;
  const lines: string[] = [];
  const failures = retrySchedule(
    line => lines.push(line),
    () => time,
  );
  const pass = (ms: number) => {
    time += ms;
  };
  return { failures, lines, pass };
}

test('a failure is logged again only when its reason changes', t => {
  const { failures, lines } = desk();
  failures.add('r1', new Error('disk full'), 'could not be resumed');
  failures.add('r1', new Error('disk full'), 'could not be resumed');
  failures.add('r1', new Error('no access\nto it'), 'could not be resumed');
  failures.add('r2', 'disk full', 'could not continue');
  t.deepEqual(lines, [
    'r1 could not be resumed: disk full',
    'r1 could not be resumed: no access to it',
    'r2 could not continue: disk full',
  ]);
});

test('the pauses of a run double up to ten minutes', t => {
  const { failures, pass } = desk();
  const pauses: number[] = [];
  for (let failure = 0; failure < 10; failure++) {
    failures.add('r1', new Error('x'), 'failed');
    let pause = 0;
    for (; failures.isWaiting('r1'); pause += 1_000) pass(1_000);
    pauses.push(pause / 1_000);
  }
  t.deepEqual(pauses, [5, 10, 20, 40, 80, 160, 320, 600, 600, 600]);
});

test('a run that was cleared begins with the first pause, and is logged again', t => {
  const { failures, lines, pass } = desk();
  failures.add('r1', new Error('x'), 'failed');
  failures.add('r1', new Error('x'), 'failed');
  failures.clear('r1');
  t.false(failures.isWaiting('r1'));
  failures.add('r1', new Error('x'), 'failed');
  pass(5_000);
  t.false(failures.isWaiting('r1'));
  t.is(lines.length, 2);
});

test('an unreachable engine is logged once for all its runs, which wait a minute at most', t => {
  const { failures, lines, pass } = desk();
  const error = new EngineError('the daemon is not running');
  for (let tries = 0; tries < 10; tries++) for (const run of ['r1', 'r2']) failures.addEngine(run, error);
  t.deepEqual(lines, ['runs wait for the Docker engine: the daemon is not running']);
  t.true(failures.isWaiting('r1'));
  pass(60_000);
  t.false(failures.isWaiting('r1'));
  failures.clearEngine('r1');
  failures.clearEngine('r2');
  failures.addEngine('r1', error);
  t.is(lines.length, 2);
});

test('the exit code is the largest of all failures', t => {
  const { failures } = desk();
  t.is(failures.exitCode(), 0);
  failures.add('r1', new Error('x'), 'failed');
  t.is(failures.exitCode(), 1);
  failures.add('r1', new FlowError('x', 4), 'failed');
  failures.add('r1', new UsageError('x'), 'failed');
  failures.clear('r1');
  t.is(failures.exitCode(), 4);
});
