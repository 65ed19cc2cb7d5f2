import test from 'ava';
import { type AttemptState, emptyAttempt } from '../../../src/state/attempt-state.ts';
import { continuationOf, usageBefore } from '../../../src/state/continuation.ts';

const work = { branch: null, commit: null, diff: null, path: null };
const ended = (attempt: number, more: Partial<AttemptState>): AttemptState => ({
  ...emptyAttempt(attempt),
  status: 'failed',
  isSaved: true,
  workspace: { ...work, commit: `c${attempt}` },
  ...more,
});
const failure = (kind: string) => ({ error: { phase: 'running', kind, message: 'it broke' } });
const check = {
  ...({ round: 1, rounds: 3, status: 'failed', exitCode: 1 } as const),
  ...{ reason: 'x', ms: 1, transcript: null },
};
const checked = (attempt: number) => ended(attempt, { status: 'succeeded', check });
const clone = { workspace: { mode: 'clone' } } as const;

test('a quota is continued, and any other failure if the spec says so', t => {
  const quota = [ended(1, failure('quota'))];
  const exit = [ended(1, failure('exit'))];
  t.deepEqual(continuationOf(clone, quota, 2), { attempt: 1, end: 'quota' });
  t.is(continuationOf({ ...clone, onRetry: 'restart' }, quota, 2), null);
  t.is(continuationOf(clone, exit, 2), null);
  t.deepEqual(continuationOf({ ...clone, onRetry: 'continue' }, exit, 2), { attempt: 1, end: 'failure' });
  t.is(continuationOf({ ...clone, onRetry: 'continue' }, [ended(1, failure('hostLost'))], 2), null);
  t.is(continuationOf(clone, quota, 1), null, 'only earlier attempts count');
});

test('a retry in a round begins as the round did, unless it continues', t => {
  const attempts = [checked(1), ended(2, failure('exit'))];
  t.deepEqual(continuationOf(clone, attempts, 3), { attempt: 1, end: 'check' });
  t.deepEqual(continuationOf({ ...clone, onRetry: 'continue' }, attempts, 3), { attempt: 2, end: 'failure' });
  t.deepEqual(continuationOf(clone, [...attempts, checked(3)], 4), { attempt: 3, end: 'check' });
});

test('an output is corrected from its work, also by a retry of the correction', t => {
  const wrong = ended(1, { error: { phase: 'running', kind: 'output', message: 'none', correctable: true } });
  const correction = { attempt: 1, end: 'output' } as const;
  t.deepEqual(continuationOf({ ...clone, onRetry: 'restart' }, [wrong], 2), correction);
  t.deepEqual(continuationOf(clone, [wrong, ended(2, failure('exit'))], 3), correction);
  t.is(continuationOf(clone, [{ ...wrong, isSaved: false }], 2), null);
});

test('work that was not saved as a whole is not continued', t => {
  const quota = (more: Partial<AttemptState>) => [ended(1, { ...failure('quota'), ...more })];
  const left = { ...work, path: '/left' };
  t.is(continuationOf(clone, quota({ workspace: left }), 2), null);
  t.is(continuationOf(clone, quota({ isSaved: false, workspace: null }), 2), null);
  t.truthy(continuationOf(clone, quota({ workspace: null }), 2), 'it changed nothing');
  const copy = { workspace: { mode: 'copy' } };
  t.truthy(continuationOf(copy, quota({ workspace: left }), 2));
  t.is(continuationOf(copy, quota({ workspace: { ...work, path: '/left.making' } }), 2), null);
  t.truthy(continuationOf({ workspace: { mode: 'bind' } }, quota({ isSaved: false, workspace: null }), 2));
});

test('the usage before a continued conversation is that of all attempts in it', t => {
  const usage = (inputTokens: number) => ({
    ...{ turns: 1, inputTokens, cachedInputTokens: 0, outputTokens: 1, costUsd: 0.5 },
  });
  const attempts = [
    ended(1, { usage: usage(100) }),
    ended(2, { usage: usage(10), continues: { of: 1, problem: null } }),
    ended(3, { continues: { of: 2, problem: null } }),
    ended(4, { continues: { of: 3, problem: 'it contains a secret' } }),
  ];
  t.like(usageBefore(attempts, 3), { inputTokens: 110, outputTokens: 2, costUsd: 1 });
  t.like(usageBefore(attempts, 2), { inputTokens: 100 });
  t.is(usageBefore(attempts, 4), null);
  t.is(usageBefore(attempts, 1), null);
});
