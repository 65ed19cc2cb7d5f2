import { scenario } from './flow-walk.ts';

const list = {
  agents: { plan: [], fix: ['plan'], 'fix-1': ['plan'], 'fix-2': ['plan'], 'fix-3': ['plan'], last: ['fix'] },
  lists: { fix: { names: ['fix-1', 'fix-2', 'fix-3'], size: 2 } },
};
const expanded = { started: ['fix-1', 'fix-2'], conditions: ['fix true'] };

/** Stories of an agent that becomes others. */
export const listScenarios = [
  scenario('an agent becomes others, and ends when all of them have', list, flow => {
    flow
      .sees({ started: ['plan'], states: 'running' })
      .ends('plan')
      .sees(expanded);
    flow
      .ends('fix-2')
      .sees({})
      .ends('fix-1')
      .sees({ unstarted: ['fix succeeded'], started: ['last'] });
    flow.ends('last').sees({ states: 'done' });
    flow.isOver({
      plan: 'succeeded',
      fix: 'succeeded',
      'fix-1': 'succeeded',
      'fix-2': 'succeeded',
      last: 'succeeded',
    });
  }),
  ...(['cancel', 'kill'] as const).map(end =>
    scenario(`a ${end} ends an agent that has become others with the last of them`, list, flow => {
      flow
        .sees({ started: ['plan'], states: 'running' })
        .ends('plan')
        .sees(expanded);
      const event = end.toUpperCase();
      flow[end]().sees({
        received: [`fix-1 ${event}`, `fix-2 ${event}`],
        unstarted: ['last cancelled'],
        states: 'cancelling',
      });
      flow.ends('fix-1', 'cancelled').sees({});
      flow.ends('fix-2', 'succeeded').sees({ unstarted: ['fix cancelled'], states: 'done' });
      flow.isOver({
        plan: 'succeeded',
        fix: 'cancelled',
        'fix-1': 'cancelled',
        'fix-2': 'succeeded',
        last: 'cancelled',
      });
    }),
  ),
  ...(['cancel', 'kill'] as const).map(end =>
    scenario(
      `a ${end} ends an agent whose agents all wait at once`,
      { ...list, when: { 'fix-1': () => 'open' as const, 'fix-2': () => 'open' as const } },
      flow => {
        flow.sees({ started: ['plan'], states: 'running' }).ends('plan');
        flow.sees({ conditions: ['fix true', 'fix-1 open', 'fix-2 open'] });
        flow[end]().sees({
          unstarted: ['fix-1 cancelled', 'fix-2 cancelled', 'last cancelled', 'fix cancelled'],
          states: 'cancelling > done',
        });
        flow.isOver({
          ...{ plan: 'succeeded', fix: 'cancelled', 'fix-1': 'cancelled', 'fix-2': 'cancelled' },
          last: 'cancelled',
        });
      },
    ),
  ),
  scenario(
    'an agent that becomes none has succeeded',
    { ...list, lists: { fix: { ...list.lists.fix, size: 0 } } },
    flow => {
      flow.sees({ started: ['plan'], states: 'running' }).ends('plan');
      flow.sees({ conditions: ['fix true'], unstarted: ['fix succeeded'], started: ['last'] });
      flow.ends('last').sees({ states: 'done' });
      flow.isOver({ plan: 'succeeded', fix: 'succeeded', last: 'succeeded' });
    },
  ),
  scenario('a cancel of an agent that has become others is one of all of them', list, flow => {
    flow
      .sees({ started: ['plan'], states: 'running' })
      .ends('plan')
      .sees(expanded);
    flow.cancelAgent('fix').sees({ received: ['fix-1 CANCEL', 'fix-2 CANCEL'] });
    flow.ends('fix-1', 'cancelled').sees({}).ends('fix-2', 'cancelled');
    flow.sees({ unstarted: ['fix cancelled', 'last skipped'], states: 'done' });
    flow.isOver({
      plan: 'succeeded',
      fix: 'cancelled',
      'fix-1': 'cancelled',
      'fix-2': 'cancelled',
      last: 'skipped',
    });
  }),
];
