import test from 'ava';
import type { RunEvent } from '../../../src/events.ts';
import { lineOf } from '../../../src/reporters/lines.ts';
import { continuationOf } from '../../../src/state/continuation.ts';
import { correctionBefore } from '../../../src/state/corrections.ts';
import { resultOf } from '../../../src/state/result.ts';
import { resultSchema } from '../../../src/state/result-schema.ts';
import { attemptEnds, checkEnds, ends, enters, started, stateAfter } from '../_helpers/story.ts';

const error = { phase: 'running', kind: 'output', message: 'no output', correctable: true } as const;
const wrong = attemptEnds(2, 'a', { status: 'failed', error });
const policy = { workspace: { mode: 'bind' } } as const;
const begun = [started({ a: [] }), enters(1, 'a', 'running.working')];
const next = enters(3, 'a', 'running.working', { attempt: 2 });

test('an attempt corrects the last one whose output does not count, until another round begins', t => {
  const { attempts } = stateAfter(...begun, wrong, next).agents.a!;
  t.is(correctionBefore(attempts, 1), null);
  t.deepEqual(correctionBefore(attempts, 2), { attempt: 1, problem: 'no output' });
  t.deepEqual(correctionBefore(attempts, 3), { attempt: 1, problem: 'no output' }, 'a retry of it');
  t.is(continuationOf(policy, attempts, 1), null);
  t.deepEqual(continuationOf(policy, attempts, 2), { attempt: 1, end: 'output' });
  const checked = stateAfter(
    ...begun,
    wrong,
    next,
    attemptEnds(4, 'a', { attempt: 2 }),
    checkEnds(5, 'a', { attempt: 2 }),
  ).agents.a!.attempts;
  t.is(correctionBefore(checked, 3), null);
  t.deepEqual(continuationOf(policy, checked, 3), { attempt: 2, end: 'check' });
});

test('a line reports the problem, and that a correction follows, once', t => {
  const line = (...events: readonly RunEvent[]) =>
    lineOf(stateAfter(...events), wrong)?.replace(/^\S+ a +/, '');
  t.is(line(...begun), 'attempt 1 failed: no output; attempt 2 corrects it');
  t.is(line(...begun, wrong), undefined);
  t.is(lineOf(stateAfter(...begun), attemptEnds(2, 'a')), null);
});

test('the result has the problem of the attempt that was corrected', t => {
  const result = resultOf(
    stateAfter(...begun, wrong, next, attemptEnds(4, 'a', { attempt: 2 }), ends(5, 'a')),
  );
  t.is(result.agents.a?.attempts[0]?.outputProblem, 'no output');
  t.false('outputProblem' in result.agents.a!.attempts[1]!);
  t.notThrows(() => resultSchema.parse(result));
});
