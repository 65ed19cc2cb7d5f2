import test from 'ava';
import { flowMachine } from '../../../machines/flow.ts';
import { type FlowMachine, type FlowPlan, type FlowWalk, walkFlow } from './flow-walk.ts';
import { forgetful, observed, retargeted, transitionsOf, weakened } from './mutants.ts';
import { coverage, survivors } from './survivors.ts';
import { expect } from './walk.ts';

const scenario = (title: string, plan: FlowPlan, story: (flow: FlowWalk) => void) => ({
  title,
  tell(machine: FlowMachine) {
    const flow = walkFlow(machine, plan);
    story(flow);
    if (!flow.over) throw new Error(`"${title}" does not end`);
  },
});

const chain = { agents: { fixer: [], reviewer: ['fixer'], tests: ['reviewer'] } };
const three = { agents: { one: [], two: [], three: [] } };
const diamond = { agents: { base: [], left: ['base'], right: ['base'], top: ['left', 'right'] } };

const scenarios = [
  scenario('a flow of nobody is over at once', { agents: {} }, flow =>
    flow.sees({ states: 'done' }).isOver({}),
  ),
  scenario('agents that depend on nobody start together, in the order of the spec', three, flow => {
    flow.sees({ started: ['one', 'two', 'three'], states: 'running' });
    flow.ends('two').sees({}).ends('one').sees({}).ends('three').sees({ states: 'done' });
    flow.isOver({ one: 'succeeded', two: 'succeeded', three: 'succeeded' });
  }),
  scenario('an agent starts when the one it depends on has succeeded', chain, flow => {
    flow.sees({ started: ['fixer'], states: 'running' });
    flow.ends('fixer').sees({ started: ['reviewer'] });
    flow.ends('reviewer').sees({ started: ['tests'] });
    flow.ends('tests').sees({ states: 'done' });
    flow.isOver({ fixer: 'succeeded', reviewer: 'succeeded', tests: 'succeeded' });
  }),
  scenario(
    'who is skipped is told of those that did not succeed, not of those that still run',
    diamond,
    flow => {
      flow
        .sees({ started: ['base'], states: 'running' })
        .ends('base')
        .sees({ started: ['left', 'right'] });
      flow.ends('right', 'failed').sees({ unstarted: ['top skipped'] });
      expect('why', flow.output('top')?.error?.message, 'depends on right, which did not succeed');
      flow.ends('left').sees({ states: 'done' });
      flow.isOver({ base: 'succeeded', left: 'succeeded', right: 'failed', top: 'skipped' });
    },
  ),
  scenario('an agent that depends on two starts when both have succeeded', diamond, flow => {
    flow
      .sees({ started: ['base'], states: 'running' })
      .ends('base')
      .sees({ started: ['left', 'right'] });
    flow
      .ends('right')
      .sees({})
      .ends('left')
      .sees({ started: ['top'] })
      .ends('top')
      .sees({ states: 'done' });
    flow.isOver({ base: 'succeeded', left: 'succeeded', right: 'succeeded', top: 'succeeded' });
  }),
  scenario(
    'an agent named before the one it depends on waits all the same',
    {
      agents: { last: ['first'], first: [] },
    },
    flow => {
      flow
        .sees({ started: ['first'], states: 'running' })
        .ends('first')
        .sees({ started: ['last'] });
      flow.ends('last').sees({ states: 'done' }).isOver({ first: 'succeeded', last: 'succeeded' });
    },
  ),
  scenario('no more agents live at once than the concurrency allows', { ...three, concurrency: 2 }, flow => {
    flow
      .sees({ started: ['one', 'two'], states: 'running' })
      .ends('two')
      .sees({ started: ['three'] });
    flow.ends('three').sees({}).ends('one').sees({ states: 'done' });
    flow.isOver({ one: 'succeeded', two: 'succeeded', three: 'succeeded' });
  }),
  scenario('the place of an agent that failed is free for the next', { ...three, concurrency: 1 }, flow => {
    flow
      .sees({ started: ['one'], states: 'running' })
      .ends('one', 'failed')
      .sees({ started: ['two'] });
    flow
      .ends('two', 'timedOut')
      .sees({ started: ['three'] })
      .ends('three')
      .sees({ states: 'done' });
    flow.isOver({ one: 'failed', two: 'timedOut', three: 'succeeded' });
  }),
  ...(['failed', 'timedOut', 'cancelled'] as const).map(status =>
    scenario(
      `all that depend on an agent that came out ${status} are skipped, however far away`,
      {
        agents: { tests: ['reviewer'], reviewer: ['fixer'], fixer: [], other: [] },
      },
      flow => {
        flow.sees({ started: ['fixer', 'other'], states: 'running' });
        flow.ends('fixer', status).sees({ unstarted: ['reviewer skipped', 'tests skipped'] });
        const { error, attempts, containerId } = flow.output('reviewer')!;
        expect(
          'what is said of it',
          { error, attempts, containerId },
          {
            error: {
              phase: 'waiting',
              kind: 'dependency',
              message: 'depends on fixer, which did not succeed',
            },
            attempts: [],
            containerId: null,
          },
        );
        expect('why', flow.output('tests')?.error?.message, 'depends on reviewer, which did not succeed');
        flow.ends('other').sees({ states: 'done' });
        flow.isOver({ tests: 'skipped', reviewer: 'skipped', fixer: status, other: 'succeeded' });
      },
    ),
  ),
  scenario('an agent is skipped as soon as one of those it depends on has failed', diamond, flow => {
    flow
      .sees({ started: ['base'], states: 'running' })
      .ends('base')
      .sees({ started: ['left', 'right'] });
    flow
      .ends('left', 'failed')
      .sees({ unstarted: ['top skipped'] })
      .ends('right')
      .sees({ states: 'done' });
    flow.isOver({ base: 'succeeded', left: 'failed', right: 'succeeded', top: 'skipped' });
  }),
  scenario(
    'where Docker has no room left nobody else is started, and those that live go on',
    { agents: { one: [], two: [], three: [], after: ['one'] }, concurrency: 2 },
    flow => {
      flow.sees({ started: ['one', 'two'], states: 'running' });
      flow.ends('one', 'failed', 'outOfResources').sees({ unstarted: ['three skipped', 'after skipped'] });
      const why = (name: string) => `${flow.output(name)?.error?.kind}: ${flow.output(name)?.error?.message}`;
      expect('why', why('three'), 'outOfResources: not started: Docker has no room left, as one found');
      expect('why', why('after'), 'dependency: depends on one, which did not succeed');
      flow.ends('two').sees({ states: 'done' });
      flow.isOver({ one: 'failed', two: 'succeeded', three: 'skipped', after: 'skipped' });
    },
  ),
  scenario('a flow whose last agents are skipped is over', chain, flow => {
    flow.sees({ started: ['fixer'], states: 'running' });
    flow.ends('fixer', 'failed').sees({ unstarted: ['reviewer skipped', 'tests skipped'], states: 'done' });
    flow.isOver({ fixer: 'failed', reviewer: 'skipped', tests: 'skipped' });
  }),
  scenario(
    'one agent that is cancelled takes along those that depend on it, and no other',
    {
      agents: { fixer: [], reviewer: ['fixer'], other: [] },
    },
    flow => {
      flow.sees({ started: ['fixer', 'other'], states: 'running' });
      flow.cancelAgent('fixer').sees({ told: ['fixer CANCEL'] });
      flow.ends('fixer', 'cancelled').sees({ unstarted: ['reviewer skipped'] });
      flow.ends('other').sees({ states: 'done' });
      flow.isOver({ fixer: 'cancelled', reviewer: 'skipped', other: 'succeeded' });
    },
  ),
  scenario(
    'an agent that is cancelled while it waits never starts, nor does who depends on it',
    chain,
    flow => {
      flow.sees({ started: ['fixer'], states: 'running' });
      flow.cancelAgent('reviewer').sees({ unstarted: ['reviewer cancelled', 'tests skipped'] });
      expect('no error', flow.output('reviewer')?.error, null);
      flow.ends('fixer').sees({ states: 'done' });
      flow.isOver({ fixer: 'succeeded', reviewer: 'cancelled', tests: 'skipped' });
    },
  ),
  scenario(
    'a flow whose only waiting agent is cancelled last is over',
    { ...three, concurrency: 1 },
    flow => {
      flow
        .sees({ started: ['one'], states: 'running' })
        .cancelAgent('three')
        .sees({ unstarted: ['three cancelled'] });
      flow
        .cancelAgent('two')
        .sees({ unstarted: ['two cancelled'] })
        .ends('one')
        .sees({ states: 'done' });
      flow.isOver({ one: 'succeeded', two: 'cancelled', three: 'cancelled' });
    },
  ),
  scenario(
    'a cancel of an agent that is over, or unknown, means nothing',
    { agents: { one: [], two: [] } },
    flow => {
      flow
        .sees({ started: ['one', 'two'], states: 'running' })
        .ends('one')
        .sees({});
      flow.cancelAgent('one').sees({}).cancelAgent('nobody').sees({}).ends('two').sees({ states: 'done' });
      flow.isOver({ one: 'succeeded', two: 'succeeded' });
    },
  ),
  scenario(
    'a cancel tells those that live and cancels those that wait',
    { ...three, concurrency: 2 },
    flow => {
      flow.sees({ started: ['one', 'two'], states: 'running' }).cancel();
      flow.sees({ told: ['one CANCEL', 'two CANCEL'], unstarted: ['three cancelled'], states: 'cancelling' });
      flow.ends('one', 'cancelled').sees({}).ends('two', 'succeeded').sees({ states: 'done' });
      flow.isOver({ one: 'cancelled', two: 'succeeded', three: 'cancelled' });
    },
  ),
  scenario('nothing is started after a cancel, even where what it waited for succeeds', chain, flow => {
    flow.sees({ started: ['fixer'], states: 'running' }).cancel();
    flow.sees({
      told: ['fixer CANCEL'],
      unstarted: ['reviewer cancelled', 'tests cancelled'],
      states: 'cancelling',
    });
    flow.ends('fixer', 'succeeded').sees({ states: 'done' });
    flow.isOver({ fixer: 'succeeded', reviewer: 'cancelled', tests: 'cancelled' });
  }),
  scenario(
    'a second cancel is passed on to those that still live',
    { agents: { one: [], two: [] } },
    flow => {
      flow.sees({ started: ['one', 'two'], states: 'running' }).cancel();
      flow
        .sees({ told: ['one CANCEL', 'two CANCEL'], states: 'cancelling' })
        .ends('one', 'cancelled')
        .sees({});
      flow
        .cancel()
        .sees({ told: ['two CANCEL'] })
        .kill()
        .sees({ told: ['two KILL'] });
      flow.ends('two', 'cancelled').sees({ states: 'done' });
      flow.isOver({ one: 'cancelled', two: 'cancelled' });
    },
  ),
  scenario('a kill tells those that live and cancels those that wait', { ...three, concurrency: 1 }, flow => {
    flow.sees({ started: ['one'], states: 'running' }).kill();
    flow.sees({ told: ['one KILL'], unstarted: ['two cancelled', 'three cancelled'], states: 'cancelling' });
    flow.ends('one', 'cancelled').sees({ states: 'done' });
    flow.isOver({ one: 'cancelled', two: 'cancelled', three: 'cancelled' });
  }),
  scenario(
    'agents that are all done in the moment of the cancel end the flow',
    { ...three, concurrency: 2, obedient: true },
    flow => {
      flow.sees({ started: ['one', 'two'], states: 'running' }).cancel();
      flow.sees({
        told: ['one CANCEL', 'two CANCEL'],
        unstarted: ['three cancelled'],
        states: 'cancelling > done',
      });
      flow.isOver({ one: 'cancelled', two: 'cancelled', three: 'cancelled' });
    },
  ),
  scenario(
    'an agent that is done in the moment of its own cancel makes room',
    { ...three, concurrency: 1, obedient: true },
    flow => {
      flow
        .sees({ started: ['one'], states: 'running' })
        .cancelAgent('one')
        .sees({ told: ['one CANCEL'], started: ['two'] });
      flow
        .ends('two')
        .sees({ started: ['three'] })
        .ends('three')
        .sees({ states: 'done' });
      flow.isOver({ one: 'cancelled', two: 'succeeded', three: 'succeeded' });
    },
  ),
  scenario(
    'a cancel of one agent while all are being cancelled tells nobody',
    { agents: { one: [] } },
    flow => {
      flow
        .sees({ started: ['one'], states: 'running' })
        .cancel()
        .sees({ told: ['one CANCEL'], states: 'cancelling' });
      flow
        .cancelAgent('one')
        .sees({})
        .ends('one', 'cancelled')
        .sees({ states: 'done' })
        .isOver({ one: 'cancelled' });
    },
  ),
];

for (const { title, tell } of scenarios) test(title, t => void t.notThrows(() => tell(flowMachine)));

const covering = coverage(scenarios, flowMachine, observed);
const noticing = ({ noticedBy }: { noticedBy: string }) => covering.get(noticedBy) ?? [];
const targets = { standing: ['#flow.running', '#flow.cancelling', '#flow.done'], passing: [] };

test('every transition of the flow is taken by a scenario', t => {
  const untaken = transitionsOf(flowMachine).filter(({ name }) => !covering.has(name));
  t.deepEqual(
    untaken.map(({ name }) => name),
    [],
  );
});

test('a transition of the flow that leads elsewhere is noticed, wherever it leads', t => {
  const { killed, survived } = survivors(retargeted(flowMachine, targets), noticing);
  t.log(`${killed} noticed`);
  t.deepEqual(survived, []);
});

test('a transition of the flow that lacks its guard, one of its actions, or all of itself is noticed', t => {
  const { killed, survived } = survivors(
    [...weakened(flowMachine), ...forgetful(flowMachine)],
    ({ noticedBy }) => (noticedBy in flowMachine.config.states! ? scenarios : noticing({ noticedBy })),
  );
  t.log(`${killed} noticed`);
  t.deepEqual(survived, []);
});
