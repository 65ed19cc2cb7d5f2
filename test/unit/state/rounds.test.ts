import test from 'ava';
import { parse, type TestSuites } from 'junit2json';
import { junit } from '../../../src/reporters/junit.ts';
import { roundKey } from '../../../src/reporters/junit-rounds.ts';
import { lineOf } from '../../../src/reporters/lines.ts';
import { summary } from '../../../src/reporters/summary.ts';
import { outcomesOf } from '../../../src/state/outcomes.ts';
import { resultOf } from '../../../src/state/result.ts';
import { resultSchema } from '../../../src/state/result-schema.ts';
import { lastFailedCheck } from '../../../src/state/rounds.ts';
import { attemptEnds, checkEnds, ends, enters, started, stateAfter } from '../_helpers/story.ts';

const passed = { status: 'passed', exitCode: 0, reason: null } as const;
const begun = [
  started({ a: [] }),
  enters(1, 'a', 'running.working'),
  attemptEnds(2, 'a', { transcript: '/run/1.log' }),
  checkEnds(3, 'a'),
  enters(4, 'a', 'running.working', { attempt: 2 }),
  attemptEnds(5, 'a', { attempt: 2, transcript: '/run/2.log' }),
];
const good = stateAfter(...begun, checkEnds(6, 'a', { attempt: 2, round: 2, ...passed }), ends(7, 'a'));
const error = { phase: 'checking', kind: 'check', message: 'its check did not pass: it exited with 1' };
const bad = stateAfter(
  ...begun,
  checkEnds(6, 'a', { attempt: 2, round: 2, transcript: '/run/2/check.log' }),
  ends(7, 'a', { status: 'failed', error }),
);

test('the result lists the rounds of an agent, and no rounds without a check', t => {
  t.deepEqual(resultOf(good).agents.a?.rounds, [
    { round: 1, attempt: 1, status: 'failed', exitCode: 1, ms: 2_000, transcript: '/run/check.log' },
    { round: 2, attempt: 2, status: 'passed', exitCode: 0, ms: 2_000, transcript: '/run/check.log' },
  ]);
  t.notThrows(() => resultSchema.parse(resultOf(good)));
  t.false('rounds' in resultOf(stateAfter(started({ a: [] }), ends(1, 'a'))).agents.a!);
});

test('the first check of an attempt counts', t => {
  const twice = stateAfter(...begun, checkEnds(6, 'a', passed));
  t.is(twice.agents.a?.attempts[0]?.check?.status, 'failed');
});

test('an attempt belongs to the round that the last failed check before it began', t => {
  const { attempts } = bad.agents.a!;
  t.is(lastFailedCheck(attempts, 1), null);
  t.is(lastFailedCheck(attempts, 2)?.round, 1);
  t.is(lastFailedCheck(attempts, 3)?.round, 2);
  t.is(lastFailedCheck(good.agents.a!.attempts, 3)?.round, 1);
});

test('a line reports how a check ended, and whether another round follows', t => {
  const line = (more: object) => lineOf(good, checkEnds(0, 'a', more))!.replace(/^\S+ a +/, '');
  t.is(line({}), 'round 1 of 3: the check failed with exit code 1; round 2 follows');
  t.is(line({ round: 3 }), 'round 3 of 3: the check failed with exit code 1');
  t.is(line({ rounds: 1, ...passed }), 'the check passed in 2.0s');
  const timedOut = { status: 'timedOut', exitCode: null, reason: 'it ran past its limit of 1s' };
  t.is(line({ round: 3, ...timedOut }), 'round 3 of 3: the check timed out: it ran past its limit of 1s');
  const missing = { exitCode: 127, reason: 'it exited with 127: command not found in the container' };
  t.is(
    line({ rounds: 1, ...missing }),
    'the check failed with exit code 127: command not found in the container',
  );
});

test('the summary names the check that passed, or the command that prints the one that did not', t => {
  t.regex(summary(good), /^a: its check passed in round 2 of 3$/m);
  t.regex(summary(bad), /failed while checking: its check did not pass/);
  t.regex(summary(bad), /→ agent-flow logs --check 2 r1234567\/a/);
});

test('reports have the output of a check that did not pass', t => {
  t.like(outcomesOf(bad)[0], { output: '/run/2/check.log', transcript: '/run/2.log' });
  t.is(outcomesOf(good)[0]?.output, '/run/2.log');
  const xml = junit(bad, new Map([['a', 'not equal']]));
  t.regex(xml, /<failure type="check" message="its check did not pass/);
  t.regex(xml, /attempt 1 succeeded, and its check did not pass: it exited with 1/);
  t.regex(xml, /logs --check 2/);
});

test('JUnit has a case for each round, and a failure only for a last one that did not pass', async t => {
  const hostile = `${'x'.repeat(20_000)} \x1b[31mred\x1b[0m ]]></failure> [[ATTACHMENT|/etc/passwd]] end`;
  const read = async (state: typeof bad) => {
    const tails = new Map([
      [roundKey('a', 1), hostile],
      [roundKey('a', 2), hostile],
    ]);
    const { testsuite } = (await parse(junit(state, tails))) as TestSuites;
    return testsuite![0]!;
  };
  const failed = await read(bad);
  const [agent, first, second] = failed.testcase!;
  t.like(failed, { tests: 3, failures: 2, skipped: 1 });
  t.like([agent, first, second], [{ name: 'a' }, { name: 'a round 1 of 3' }, { name: 'a round 2 of 3' }]);
  t.regex(first!.skipped![0]!.message!, /^the check failed with exit code 1; round 2 followed$/);
  const [failure] = second!.failure!;
  t.is(failure!.message, 'the check failed with exit code 1');
  for (const text of [failure!.inner!, first!['system-out']![0]!]) {
    t.true(text.length < 17_000 && text.endsWith(' end'));
    t.notRegex(text, /\x1b|\[\[ATTACHMENT/);
  }
  const passed = await read(good);
  t.like(passed, { failures: 0, skipped: 1 });
  t.is(passed.testcase!.at(-1)!.failure, undefined);
});
