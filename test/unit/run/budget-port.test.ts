import test from 'ava';
import type { RunEvent, RunEventBody } from '../../../src/events.ts';
import { budgetPort, spendingOf } from '../../../src/run/budget-port.ts';
import { agent, rejection } from '../_helpers/actor-ports.ts';
import { at, attemptEnds, runStarted } from '../_helpers/story.ts';

const report = { format: 'claude', login: '', quota: '' };

/** A run of the AI CLIs `a` and `b`, and of the command `c`, with these events in its journal. */
function desk(maxUsd: number | undefined, past: readonly RunEvent[] = [], budget = {}) {
  const plans = [
    agent({ name: 'a', provider: 'claude', report: { ...report, budget } }),
    agent({ name: 'b', provider: 'claude', report }),
    agent({ name: 'c' }),
  ];
  const spending = spendingOf({ agents: plans, ...(maxUsd === undefined ? {} : { maxUsd }) });
  const events: RunEventBody[] = [];
  spending.apply(at(0, runStarted('r1234567', { a: [], b: [], c: [] }, 2)));
  for (const event of past) spending.apply(event);
  const port = budgetPort({
    maxUsd,
    spending,
    plan: name => plans.find(plan => plan.name === name)!,
    async emit(event) {
      events.push(event);
      spending.apply(at(1, event));
    },
  });
  return { ...port, events, spending };
}

const first = (name: string) => ({ name, attempt: 1 });

test('the part of an attempt is journaled once, and a repeated injection gets the same', async t => {
  const run = desk(4);
  t.deepEqual(await Promise.all([run.shareOfBudget(first('a')), run.shareOfBudget(first('b'))]), [2, 2]);
  t.is(await run.shareOfBudget(first('a')), 2);
  t.deepEqual(run.events, [
    { type: 'attempt.budget', agent: 'a', attempt: 1, usd: 2 },
    { type: 'attempt.budget', agent: 'b', attempt: 1, usd: 2 },
  ]);
  t.notThrows(() => run.checkBudget(first('a')), 'it has its part');
});

test('commands, and runs without a budget, are not limited', async t => {
  const run = desk(4);
  t.is(await run.shareOfBudget(first('c')), null);
  const free = desk(undefined);
  t.is(await free.shareOfBudget(first('a')), null);
  free.checkBudget(first('a'));
  t.deepEqual([...run.events, ...free.events], []);
});

test('once the budget is spent, no attempt begins, also in a resumed run', async t => {
  const usage = { turns: 1, inputTokens: 1, cachedInputTokens: 0, outputTokens: 1, costUsd: 4.02 };
  const past = [
    at(1, { type: 'attempt.budget', agent: 'a', attempt: 1, usd: 4 }),
    attemptEnds(2, 'a', { usage }),
  ];
  const run = desk(4, past);
  const error = t.throws(() => run.checkBudget(first('b')));
  t.is(
    error.message,
    'the budget of the run, $4.00, has nothing left for it: $4.02 is spent, $0.00 is for running agents',
  );
  const rejected = await rejection(run.shareOfBudget({ name: 'a', attempt: 2 }));
  t.deepEqual([rejected.name, rejected.kind], ['StepError', 'budget']);
  t.notThrows(() => run.checkBudget(first('c')), 'a command costs nothing');
});

test('an agent with a smaller budget of its own leaves the rest to others', async t => {
  const run = desk(4, [], { usd: 1 });
  t.is(await run.shareOfBudget(first('a')), 1);
  t.is(await run.shareOfBudget(first('b')), 3);
});
