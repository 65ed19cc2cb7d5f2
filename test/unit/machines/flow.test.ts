import test from 'ava';
import { flowMachine } from '../../../machines/flow.ts';
import { controlScenarios } from './flow-control.ts';
import { listScenarios } from './flow-lists.ts';
import { scenario } from './flow-walk.ts';
import { retargeted, transitionsOf, weakened, withObserver, withoutEntryAction } from './mutants.ts';
import { coverage, survivors } from './survivors.ts';
import { expect } from './walk.ts';

const chain = { agents: { fixer: [], reviewer: ['fixer'], tests: ['reviewer'] } };
const three = { agents: { one: [], two: [], three: [] } };
const diamond = { agents: { base: [], left: ['base'], right: ['base'], top: ['left', 'right'] } };

const scenarios = [
  ...controlScenarios,
  ...listScenarios,
  scenario('a flow without agents is done at once', { agents: {} }, flow =>
    flow.sees({ states: 'done' }).isOver({}),
  ),
  scenario('agents without dependencies start together, in the order of the spec', three, flow => {
    flow.sees({ started: ['one', 'two', 'three'], states: 'running' });
    flow.ends('two').sees({}).ends('one').sees({}).ends('three').sees({ states: 'done' });
    flow.isOver({ one: 'succeeded', two: 'succeeded', three: 'succeeded' });
  }),
  scenario('an agent starts when its dependency has succeeded', chain, flow => {
    flow.sees({ started: ['fixer'], states: 'running' });
    flow.ends('fixer').sees({ started: ['reviewer'] });
    flow.ends('reviewer').sees({ started: ['tests'] });
    flow.ends('tests').sees({ states: 'done' });
    flow.isOver({ fixer: 'succeeded', reviewer: 'succeeded', tests: 'succeeded' });
  }),
  scenario(
    'the message of a skipped agent names the dependencies that did not succeed, not those that still run',
    diamond,
    flow => {
      flow
        .sees({ started: ['base'], states: 'running' })
        .ends('base')
        .sees({ started: ['left', 'right'] });
      flow.ends('right', 'failed').sees({ unstarted: ['top skipped'] });
      expect('its message', flow.output('top')?.error?.message, 'depends on right, which did not succeed');
      flow.ends('left').sees({ states: 'done' });
      flow.isOver({ base: 'succeeded', left: 'succeeded', right: 'failed', top: 'skipped' });
    },
  ),
  scenario('an agent with two dependencies starts when both have succeeded', diamond, flow => {
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
    'an agent waits for a dependency that is listed after it',
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
  scenario(
    'the number of running agents never exceeds the concurrency',
    { ...three, concurrency: 2 },
    flow => {
      flow
        .sees({ started: ['one', 'two'], states: 'running' })
        .ends('two')
        .sees({ started: ['three'] });
      flow.ends('three').sees({}).ends('one').sees({ states: 'done' });
      flow.isOver({ one: 'succeeded', two: 'succeeded', three: 'succeeded' });
    },
  ),
  scenario('a failed agent frees its slot for the next', { ...three, concurrency: 1 }, flow => {
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
      `all direct and indirect dependants of an agent that is ${status} are skipped`,
      {
        agents: { tests: ['reviewer'], reviewer: ['fixer'], fixer: [], other: [] },
      },
      flow => {
        flow.sees({ started: ['fixer', 'other'], states: 'running' });
        flow.ends('fixer', status).sees({ unstarted: ['reviewer skipped', 'tests skipped'] });
        const { error, attempts, containerId } = flow.output('reviewer')!;
        expect(
          'its output',
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
        expect(
          'its message',
          flow.output('tests')?.error?.message,
          'depends on reviewer, which did not succeed',
        );
        flow.ends('other').sees({ states: 'done' });
        flow.isOver({ tests: 'skipped', reviewer: 'skipped', fixer: status, other: 'succeeded' });
      },
    ),
  ),
  scenario('an agent is skipped as soon as one of its dependencies has failed', diamond, flow => {
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
    'no agent is started once Docker is out of resources, and running ones continue',
    { agents: { one: [], two: [], three: [], after: ['one'] }, concurrency: 2 },
    flow => {
      flow.sees({ started: ['one', 'two'], states: 'running' });
      flow.ends('one', 'failed', 'outOfResources').sees({ unstarted: ['three skipped', 'after skipped'] });
      const why = (name: string) => `${flow.output(name)?.error?.kind}: ${flow.output(name)?.error?.message}`;
      expect(
        'its message',
        why('three'),
        'outOfResources: not started: Docker has no room left, as one found',
      );
      expect('its message', why('after'), 'dependency: depends on one, which did not succeed');
      flow.ends('two').sees({ states: 'done' });
      flow.isOver({ one: 'failed', two: 'succeeded', three: 'skipped', after: 'skipped' });
    },
  ),
  scenario('a flow whose last agents are skipped is done', chain, flow => {
    flow.sees({ started: ['fixer'], states: 'running' });
    flow.ends('fixer', 'failed').sees({ unstarted: ['reviewer skipped', 'tests skipped'], states: 'done' });
    flow.isOver({ fixer: 'failed', reviewer: 'skipped', tests: 'skipped' });
  }),
  scenario(
    'cancelling one agent skips its dependants, and no other agent',
    {
      agents: { fixer: [], reviewer: ['fixer'], other: [] },
    },
    flow => {
      flow.sees({ started: ['fixer', 'other'], states: 'running' });
      flow.cancelAgent('fixer').sees({ received: ['fixer CANCEL'] });
      flow.ends('fixer', 'cancelled').sees({ unstarted: ['reviewer skipped'] });
      flow.ends('other').sees({ states: 'done' });
      flow.isOver({ fixer: 'cancelled', reviewer: 'skipped', other: 'succeeded' });
    },
  ),
  scenario(
    'an agent that is cancelled while it waits never starts, and neither do its dependants',
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
    'a flow whose only waiting agent is cancelled last is done',
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
  scenario('a cancel of an ended or unknown agent has no effect', { agents: { one: [], two: [] } }, flow => {
    flow
      .sees({ started: ['one', 'two'], states: 'running' })
      .ends('one')
      .sees({});
    flow.cancelAgent('one').sees({}).cancelAgent('unknown').sees({}).ends('two').sees({ states: 'done' });
    flow.isOver({ one: 'succeeded', two: 'succeeded' });
  }),
  scenario(
    'a cancel is sent to running agents, and cancels waiting ones',
    { ...three, concurrency: 2 },
    flow => {
      flow.sees({ started: ['one', 'two'], states: 'running' }).cancel();
      flow.sees({
        received: ['one CANCEL', 'two CANCEL'],
        unstarted: ['three cancelled'],
        states: 'cancelling',
      });
      flow.ends('one', 'cancelled').sees({}).ends('two', 'succeeded').sees({ states: 'done' });
      flow.isOver({ one: 'cancelled', two: 'succeeded', three: 'cancelled' });
    },
  ),
  scenario('nothing is started after a cancel, even when its dependency succeeds', chain, flow => {
    flow.sees({ started: ['fixer'], states: 'running' }).cancel();
    flow.sees({
      received: ['fixer CANCEL'],
      unstarted: ['reviewer cancelled', 'tests cancelled'],
      states: 'cancelling',
    });
    flow.ends('fixer', 'succeeded').sees({ states: 'done' });
    flow.isOver({ fixer: 'succeeded', reviewer: 'cancelled', tests: 'cancelled' });
  }),
  scenario('a second cancel is sent to the agents that still run', { agents: { one: [], two: [] } }, flow => {
    flow.sees({ started: ['one', 'two'], states: 'running' }).cancel();
    flow
      .sees({ received: ['one CANCEL', 'two CANCEL'], states: 'cancelling' })
      .ends('one', 'cancelled')
      .sees({});
    flow
      .cancel()
      .sees({ received: ['two CANCEL'] })
      .kill()
      .sees({ received: ['two KILL'] });
    flow.ends('two', 'cancelled').sees({ states: 'done' });
    flow.isOver({ one: 'cancelled', two: 'cancelled' });
  }),
  scenario(
    'a kill is sent to running agents, and cancels waiting ones',
    { ...three, concurrency: 1 },
    flow => {
      flow.sees({ started: ['one'], states: 'running' }).kill();
      flow.sees({
        received: ['one KILL'],
        unstarted: ['two cancelled', 'three cancelled'],
        states: 'cancelling',
      });
      flow.ends('one', 'cancelled').sees({ states: 'done' });
      flow.isOver({ one: 'cancelled', two: 'cancelled', three: 'cancelled' });
    },
  ),
  scenario(
    'agents that end during the cancel end the flow',
    { ...three, concurrency: 2, endsOnEvent: true },
    flow => {
      flow.sees({ started: ['one', 'two'], states: 'running' }).cancel();
      flow.sees({
        received: ['one CANCEL', 'two CANCEL'],
        unstarted: ['three cancelled'],
        states: 'cancelling > done',
      });
      flow.isOver({ one: 'cancelled', two: 'cancelled', three: 'cancelled' });
    },
  ),
  scenario(
    'an agent that ends during its own cancel frees its slot',
    { ...three, concurrency: 1, endsOnEvent: true },
    flow => {
      flow
        .sees({ started: ['one'], states: 'running' })
        .cancelAgent('one')
        .sees({ received: ['one CANCEL'], started: ['two'] });
      flow
        .ends('two')
        .sees({ started: ['three'] })
        .ends('three')
        .sees({ states: 'done' });
      flow.isOver({ one: 'cancelled', two: 'succeeded', three: 'succeeded' });
    },
  ),
  scenario(
    'a cancel of one agent is not sent while the flow is being cancelled',
    { agents: { one: [] } },
    flow => {
      flow
        .sees({ started: ['one'], states: 'running' })
        .cancel()
        .sees({ received: ['one CANCEL'], states: 'cancelling' });
      flow
        .cancelAgent('one')
        .sees({})
        .ends('one', 'cancelled')
        .sees({ states: 'done' })
        .isOver({ one: 'cancelled' });
    },
  ),
  scenario(
    'the loss of a host is sent to its agent if that runs, and to no other',
    { agents: { one: [], two: [], after: ['one'], next: [] }, concurrency: 2 },
    flow => {
      flow.sees({ started: ['one', 'two'], states: 'running' });
      flow.loseHost('one').sees({ received: ['one HOST_LOST'] });
      flow.loseHost('next').sees({}).loseHost('unknown').sees({});
      flow.ends('one', 'failed', 'hostLost').sees({ unstarted: ['after skipped'], started: ['next'] });
      flow.loseHost('one').sees({}).ends('two').sees({}).ends('next').sees({ states: 'done' });
      flow.isOver({ one: 'failed', two: 'succeeded', after: 'skipped', next: 'succeeded' });
    },
  ),
  scenario(
    'the loss of a host is sent to its agent while the flow is being cancelled',
    { agents: { one: [], two: [] } },
    flow => {
      flow.sees({ started: ['one', 'two'], states: 'running' }).cancel();
      flow.sees({ received: ['one CANCEL', 'two CANCEL'], states: 'cancelling' });
      flow.loseHost('two').sees({ received: ['two HOST_LOST'] });
      flow.ends('two', 'failed', 'hostLost').sees({}).loseHost('two').sees({});
      flow.ends('one', 'cancelled').sees({ states: 'done' });
      flow.isOver({ one: 'cancelled', two: 'failed' });
    },
  ),
];

for (const { title, run } of scenarios) test(title, t => void t.notThrows(() => run(flowMachine)));

const covering = coverage(scenarios, flowMachine, withObserver);
const detecting = ({ detectedBy }: { detectedBy: string }) => covering.get(detectedBy) ?? [];
const targets = { stable: ['#flow.running', '#flow.cancelling', '#flow.done'], transient: [] };

test('scenarios take every transition of the flow', t => {
  const untaken = transitionsOf(flowMachine).filter(({ name }) => !covering.has(name));
  t.deepEqual(
    untaken.map(({ name }) => name),
    [],
  );
});

test('scenarios detect a transition of the flow with any other target', t => {
  const { killed, survived } = survivors(retargeted(flowMachine, targets), detecting);
  t.log(`${killed} detected`);
  t.deepEqual(survived, []);
});

test('scenarios detect a missing transition, guard or action of the flow', t => {
  const { killed, survived } = survivors(
    [...weakened(flowMachine), ...withoutEntryAction(flowMachine)],
    ({ detectedBy }) => (detectedBy in flowMachine.config.states! ? scenarios : detecting({ detectedBy })),
  );
  t.log(`${killed} detected`);
  t.deepEqual(survived, []);
});
