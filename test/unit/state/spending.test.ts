import test from 'ava';
import fc from 'fast-check';
import type { RunEvent } from '../../../src/events.ts';
import { trackSpending } from '../../../src/state/spending.ts';
import { at, attemptEnds, ends, started } from '../_helpers/story.ts';

const none = () => undefined;
const abc = { a: [], b: [], c: [] };
const usage = (costUsd: number | null, more = {}) => ({
  turns: 1,
  inputTokens: 10,
  cachedInputTokens: 0,
  outputTokens: 10,
  costUsd,
  ...more,
});
const share = (agent: string, usd: number, attempt = 1): RunEvent =>
  at(1, { type: 'attempt.budget', agent, attempt, usd });

function spending(
  maxUsd: number | null,
  concurrency = 2,
  limitOf: (agent: string) => number | undefined = none,
) {
  const tracked = trackSpending({ maxUsd, agents: Object.keys(abc), limitOf });
  tracked.apply(started(abc, 0, concurrency));
  /** Give an attempt its part, as the port of a run does. */
  const take = (agent: string, attempt = 1) => {
    const usd = tracked.shareOf(agent, attempt);
    tracked.apply(share(agent, usd, attempt));
    return usd;
  };
  return { ...tracked, take };
}

test('agents that may run at once get equal parts, and the rest of an agent is free for the next one', t => {
  const run = spending(6);
  t.is(run.take('a'), 3);
  t.is(run.take('b'), 3);
  t.true(run.isUsedUp());
  run.apply(attemptEnds(2, 'a', { usage: usage(1) }));
  run.apply(ends(2, 'a'));
  t.false(run.isUsedUp());
  t.deepEqual([run.spentUsd(), run.sharedUsd()], [1, 3]);
  t.is(run.take('c'), 2);
});

test('the last agent may use all that is left, and a retry gets a part of its own', t => {
  const run = spending(6, 10);
  t.is(run.take('a'), 2);
  run.apply(attemptEnds(2, 'a', { usage: usage(1) }));
  t.is(run.take('a', 2), 5 / 3);
  for (const name of ['b', 'c']) run.apply(ends(3, name));
  run.apply(attemptEnds(4, 'a', { attempt: 2, usage: usage(1) }));
  t.is(run.shareOf('a', 3), 4);
});

test('an agent gets no more than its own budget', t => {
  const run = spending(6, 2, name => (name === 'a' ? 0.5 : undefined));
  t.is(run.take('a'), 0.5);
  t.is(run.take('b'), 5.5);
});

test('an attempt whose cost is not known counts with its whole part', t => {
  const run = spending(6);
  run.take('a');
  run.apply(attemptEnds(2, 'a'));
  t.is(run.spentUsd(), 3, 'no usage was reported');
  run.take('a', 2);
  run.apply(attemptEnds(3, 'a', { attempt: 2, usage: usage(0.1, { unpricedModels: ['mine'] }) }));
  t.is(run.spentUsd(), 4.5, 'a model has no price');
  run.take('a', 3);
  run.apply(attemptEnds(4, 'a', { attempt: 3, usage: usage(null, { inputTokens: 0, outputTokens: 0 }) }));
  t.is(run.spentUsd(), 4.5, 'it has made no request');
  run.apply(attemptEnds(5, 'b', { status: 'failed' }));
  t.is(run.spentUsd(), 4.5, 'its AI CLI was never started');
});

test('events that are read again count once', t => {
  const run = spending(6);
  run.take('a');
  run.apply(share('a', 5));
  t.is(run.sharedUsd(), 3);
  t.is(run.shareOf('a', 1), 3);
  t.true(run.hasShare('a', 1));
  const end = attemptEnds(2, 'a', { usage: usage(1) });
  run.apply(end);
  run.apply(end);
  run.apply(share('a', 3));
  t.deepEqual([run.spentUsd(), run.sharedUsd(), run.hasShare('a', 1)], [1, 0, false]);
});

test('a run without a budget is never used up', t => {
  const run = spending(null);
  run.apply(attemptEnds(2, 'a', { usage: usage(1e6) }));
  t.false(run.isUsedUp());
});

test('the sum of costs and parts never exceeds the budget if every attempt keeps to its part', t => {
  const steps = fc.array(
    fc.record({ agent: fc.constantFrom('a', 'b', 'c'), used: fc.double({ min: 0, max: 1, noNaN: true }) }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(
      fc.double({ min: 0.02, max: 100, noNaN: true }),
      fc.integer({ min: 1, max: 4 }),
      steps,
      (max, atOnce, all) => {
        const run = spending(max, atOnce);
        const running = new Map<string, { attempt: number; usd: number }>();
        let attempt = 0;
        for (const { agent, used } of all) {
          const own = running.get(agent);
          if (own) {
            const costUsd = used * own.usd;
            run.apply(attemptEnds(1, agent, { attempt: own.attempt, usage: usage(costUsd) }));
            running.delete(agent);
          } else if (running.size < atOnce && !run.isUsedUp()) {
            attempt += 1;
            running.set(agent, { attempt, usd: run.take(agent, attempt) });
          }
          if (run.spentUsd() + run.sharedUsd() > max * (1 + 1e-9)) return false;
        }
        return true;
      },
    ),
  );
  t.pass();
});
