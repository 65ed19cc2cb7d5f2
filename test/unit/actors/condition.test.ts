import test from 'ava';
import { createActor, toPromise } from 'xstate';
import type { ConditionResult } from '../../../machines/flow-dependencies.ts';
import { type ConditionPort, conditionActor } from '../../../src/actors/condition.ts';

const failed = {
  status: 'failed',
  exitCode: 7,
  error: { phase: 'running', kind: 'exit', message: 'exited with 7' },
} as const;

const none = { branch: null, output: null };

/** Evaluate a condition of `b` about `a`. */
function evaluate(expression: string, port: Partial<ConditionPort> = {}) {
  const recorded: ConditionResult[] = [];
  const actor = conditionActor({
    expression: () => expression,
    recorded: () => null,
    results: () => none,
    inputs: {
      item: () => null,
      plan: () => ({ prompt: null, command: [], env: {} }),
      recorded: () => null,
      record: async () => {},
    },
    lists: { plan: () => null, recorded: () => null, isCancelled: () => false, record: async () => {} },
    record: async result => void recorded.push(result),
    ...port,
  });
  const input = { agent: 'b', outcomes: { a: failed } };
  return { result: toPromise(createActor(actor, { input }).start()), recorded };
}

test('a condition sees the outcome and the branch of an agent, and its result is recorded', async t => {
  const condition =
    'agents.a.status == "failed" && agents.a.exitCode == 7 && agents.a.kind == "exit" && agents.a.branch == "work-a"';
  const { result, recorded } = evaluate(condition, {
    results: name => ({ ...none, branch: `work-${name}` }),
  });
  t.like(await result, { agent: 'b', holds: true });
  t.deepEqual(recorded, [await result]);
});

test('a result that is recorded already is not evaluated again', async t => {
  const known = { holds: false, reason: 'as before' };
  const { result, recorded } = evaluate('true', { recorded: () => known });
  t.deepEqual(await result, { agent: 'b', ...known });
  t.deepEqual(recorded, []);
});

test('a condition that cannot be evaluated has a result', async t => {
  const { result } = evaluate('agents.a.branch.startsWith("x")');
  t.like(await result, { holds: null });
});

test('nothing follows from a result before it is on disk', async t => {
  const disk = Promise.withResolvers<void>();
  const { result } = evaluate('true', { record: () => disk.promise });
  const first = await Promise.race([result, new Promise(resolve => setImmediate(resolve, 'open'))]);
  t.is(first, 'open');
  disk.resolve();
  t.like(await result, { holds: true });
});

test('nothing follows from a result that cannot be written', async t => {
  const failure = Promise.reject(new Error('disk full'));
  const { result } = evaluate('true', { record: () => failure });
  await t.throwsAsync(failure);
  t.is(await Promise.race([result, new Promise(resolve => setImmediate(resolve, 'open'))]), 'open');
});
