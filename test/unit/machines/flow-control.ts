import { scenario } from './flow-walk.ts';
import { expect } from './walk.ts';

const rescue = { agents: { work: [], rescue: ['work'] }, on: { rescue: { work: 'failed' } } } as const;
const report = { agents: { work: [], report: ['work'] }, on: { report: { work: 'ended' } } } as const;

/** Flows whose agents start by the results of others. */
export const controlScenarios = [
  ...(['failed', 'timedOut'] as const).map(status =>
    scenario(`an agent that needs a failure starts after a dependency that is ${status}`, rescue, flow => {
      flow
        .sees({ started: ['work'], states: 'running' })
        .ends('work', status)
        .sees({ started: ['rescue'] });
      flow.ends('rescue').sees({ states: 'done' }).isOver({ work: status, rescue: 'succeeded' });
    }),
  ),
  ...(
    [
      ['succeeded', 'succeeded'],
      ['cancelled', 'was cancelled'],
    ] as const
  ).map(([status, words]) =>
    scenario(`an agent that needs a failure is skipped after one that is ${status}`, rescue, flow => {
      flow.sees({ started: ['work'], states: 'running' });
      flow.ends('work', status).sees({ unstarted: ['rescue skipped'], states: 'done' });
      expect('its error', flow.output('rescue')?.error, {
        phase: 'waiting',
        kind: 'dependency',
        message: `runs only if work fails: work ${words}`,
      });
      flow.isOver({ work: status, rescue: 'skipped' });
    }),
  ),
  ...(['succeeded', 'failed', 'timedOut', 'cancelled'] as const).map(status =>
    scenario(`an agent that needs an end starts after a dependency that is ${status}`, report, flow => {
      flow
        .sees({ started: ['work'], states: 'running' })
        .ends('work', status)
        .sees({ started: ['report'] });
      flow.ends('report').sees({ states: 'done' }).isOver({ work: status, report: 'succeeded' });
    }),
  ),
  scenario(
    'an agent that was skipped has ended, and has not failed',
    {
      agents: { first: [], next: ['first'], report: ['next'], rescue: ['next'] },
      on: { report: { next: 'ended' }, rescue: { next: 'failed' } },
    },
    flow => {
      flow.sees({ started: ['first'], states: 'running' });
      flow
        .ends('first', 'failed')
        .sees({ unstarted: ['next skipped', 'rescue skipped'], started: ['report'] });
      expect(
        'its message',
        flow.output('rescue')?.error?.message,
        'runs only if next fails: next was skipped',
      );
      flow.ends('report').sees({ states: 'done' });
      flow.isOver({ first: 'failed', next: 'skipped', report: 'succeeded', rescue: 'skipped' });
    },
  ),
  scenario(
    'the message of a skipped agent names every dependency without the result that it needs',
    {
      agents: { a: [], b: [], c: [], d: ['c', 'a', 'b'], e: ['d', 'a', 'b'] },
      on: { d: { a: 'failed', b: 'ended' }, e: { a: 'failed' } },
    },
    flow => {
      flow
        .sees({ started: ['a', 'b', 'c'], states: 'running' })
        .ends('b', 'failed')
        .sees({ unstarted: ['e skipped'] });
      flow
        .ends('a')
        .sees({ unstarted: ['d skipped'] })
        .ends('c')
        .sees({ states: 'done' });
      const message = (name: string) => flow.output(name)?.error?.message;
      expect('the first', message('e'), 'depends on b, which did not succeed');
      expect('the second', message('d'), 'runs only if a fails: a succeeded');
      flow.isOver({ a: 'succeeded', b: 'failed', c: 'succeeded', d: 'skipped', e: 'skipped' });
    },
  ),
  scenario(
    'a condition is evaluated once, when all dependencies have ended',
    {
      agents: { a: [], b: [], c: ['a', 'b'] },
      on: { c: { a: 'ended', b: 'ended' } },
      when: { c: () => true },
    },
    flow => {
      flow
        .sees({ started: ['a', 'b'], states: 'running' })
        .ends('a', 'failed')
        .sees({});
      flow.ends('b').sees({ conditions: ['c true'], started: ['c'] });
      flow.ends('c').sees({ states: 'done' }).isOver({ a: 'failed', b: 'succeeded', c: 'succeeded' });
    },
  ),
  scenario(
    'an agent whose condition does not hold is skipped, with the agents that need its success',
    {
      agents: { a: [], b: ['a'], next: ['b'], report: ['b'] },
      on: { report: { b: 'ended' } },
      when: { b: ([status]) => status === 'failed' },
    },
    flow => {
      flow.sees({ started: ['a'], states: 'running' });
      flow.ends('a').sees({
        conditions: ['b false'],
        unstarted: ['b skipped', 'next skipped'],
        started: ['report'],
      });
      expect('its error', flow.output('b')?.error, { phase: 'waiting', kind: 'when', message: 'b is false' });
      flow.ends('report').sees({ states: 'done' });
      flow.isOver({ a: 'succeeded', b: 'skipped', next: 'skipped', report: 'succeeded' });
    },
  ),
  scenario(
    'an agent whose condition cannot be evaluated has failed',
    {
      agents: { a: [], b: ['a'], rescue: ['b'] },
      on: { rescue: { b: 'failed' } },
      when: { b: () => null },
    },
    flow => {
      flow.sees({ started: ['a'], states: 'running' });
      flow.ends('a').sees({ conditions: ['b null'], unstarted: ['b failed'], started: ['rescue'] });
      expect('its error', flow.output('b')?.error, { phase: 'waiting', kind: 'when', message: 'b is null' });
      flow.ends('rescue').sees({ states: 'done' });
      flow.isOver({ a: 'succeeded', b: 'failed', rescue: 'succeeded' });
    },
  ),
  scenario(
    'conditions without dependencies are evaluated at the start, before anything is started',
    { agents: { a: [], b: [], c: ['b'] }, when: { a: () => true, b: () => false } },
    flow => {
      flow.sees({
        conditions: ['a true', 'b false'],
        unstarted: ['b skipped', 'c skipped'],
        started: ['a'],
        states: 'running',
      });
      flow.ends('a').sees({ states: 'done' }).isOver({ a: 'succeeded', b: 'skipped', c: 'skipped' });
    },
  ),
  scenario(
    'a condition is not evaluated if a dependency does not have the result that is needed',
    { agents: { a: [], b: ['a'] }, when: { b: () => true } },
    flow => {
      flow.sees({ started: ['a'], states: 'running' });
      flow.ends('a', 'failed').sees({ unstarted: ['b skipped'], states: 'done' });
      flow.isOver({ a: 'failed', b: 'skipped' });
    },
  ),
  scenario(
    'an agent that ended in an earlier process without a start keeps its result',
    {
      agents: { a: [], b: ['a'], c: ['b'], d: ['b'] },
      on: { c: { b: 'ended' } },
      when: { b: () => true },
      earlier: { b: 'cancelled' },
    },
    flow => {
      flow.sees({ started: ['a', 'c'], unstarted: ['d skipped'], states: 'running' });
      flow.ends('a').sees({}).ends('c').sees({ states: 'done' });
      flow.isOver({ a: 'succeeded', b: 'cancelled', c: 'succeeded', d: 'skipped' });
    },
  ),
  scenario(
    'an agent that needs an end starts when its dependency is cancelled while that waits',
    { agents: { a: [], b: ['a'], c: ['b'] }, on: { c: { b: 'ended' } }, concurrency: 2 },
    flow => {
      flow.sees({ started: ['a'], states: 'running' });
      flow.cancelAgent('b').sees({ unstarted: ['b cancelled'], started: ['c'] });
      flow.ends('a').sees({}).ends('c').sees({ states: 'done' });
      flow.isOver({ a: 'succeeded', b: 'cancelled', c: 'succeeded' });
    },
  ),
  scenario(
    'other agents start and end while a condition is evaluated',
    { agents: { a: [], b: ['a'], c: ['a'] }, when: { b: () => 'open' }, concurrency: 1 },
    flow => {
      flow.sees({ started: ['a'], states: 'running' });
      flow.ends('a').sees({ conditions: ['b open'], started: ['c'] });
      flow
        .evaluates('b', true)
        .sees({})
        .ends('c')
        .sees({ started: ['b'] });
      flow.ends('b').sees({ states: 'done' }).isOver({ a: 'succeeded', b: 'succeeded', c: 'succeeded' });
    },
  ),
  scenario(
    'an agent that is cancelled while its condition is evaluated does not start',
    { agents: { a: [], b: ['a'], c: [] }, when: { b: () => 'open' } },
    flow => {
      flow.sees({ started: ['a', 'c'], states: 'running' });
      flow.ends('a').sees({ conditions: ['b open'] });
      flow
        .cancelAgent('b')
        .sees({ unstarted: ['b cancelled'] })
        .evaluates('b', true)
        .sees({});
      flow.ends('c').sees({ states: 'done' }).isOver({ a: 'succeeded', b: 'cancelled', c: 'succeeded' });
    },
  ),
  scenario(
    'a condition that is evaluated during the cancel starts nothing',
    { agents: { a: [], b: [] }, when: { b: () => 'open' } },
    flow => {
      flow.sees({ conditions: ['b open'], started: ['a'], states: 'running' }).cancel();
      flow.sees({ received: ['a CANCEL'], unstarted: ['b cancelled'], states: 'cancelling' });
      flow.evaluates('b', false).sees({}).ends('a', 'cancelled').sees({ states: 'done' });
      flow.isOver({ a: 'cancelled', b: 'cancelled' });
    },
  ),
];
