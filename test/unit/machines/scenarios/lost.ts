import type { Reconciliation } from '../../../../machines/agent-types.ts';
import type { Outcome } from '../../../../machines/outcome.ts';
import { type Place, workers } from '../walk.ts';
import { advance, decision, finish, reach, type Scenario, scenario } from './story.ts';

const loss: Outcome = {
  status: 'failed',
  exitCode: null,
  error: { phase: 'running', kind: 'hostLost', message: 'its host is lost' },
};
const lost: Partial<Reconciliation> = {
  outcome: loss,
  attempts: [{ attempt: 1, containerId: 'container-1', ...loss }],
  end: { exitCode: null, oomKilled: false, reason: 'removed', at: 9_000 },
};

/** The attempt is over, and its outcome is in the journal. */
const afterAttempt: readonly Place[] = ['checking', 'releasing', 'retrying', 'waitingForQuota'];
const places = (Object.keys(workers) as Place[]).filter(place => !afterAttempt.includes(place));

const losable: readonly Scenario[] = places.flatMap(place => {
  // The outcome is emitted before the container is removed.
  const isOver = place === 'removingContainer';
  return [
    scenario(
      `an agent whose host is lost while ${place} is reconciled, and followed by another attempt`,
      agent => {
        reach[place](agent).sends({ type: 'HOST_LOST' }).at('reconciling').given({ attempt: 1 });
        agent.resolves(decision('retrying', lost)).at('retrying').given({ at: 10_000 }).resolves();
        agent.at('building').given({ attempt: 2, containerId: null, injectedAt: null, inDoubt: false });
        agent.resolves({ image: 'image-1' });
        finish(advance(agent, 'running', 'networking')).ends('succeeded', {
          exitCode: 0,
          attempts: ['failed', 'succeeded'],
          emitted: isOver ? ['succeeded', 'succeeded'] : ['succeeded'],
        });
      },
    ),
    scenario(`an agent whose host is lost while ${place} ends if no attempt follows`, agent => {
      reach[place](agent).sends({ type: 'HOST_LOST' }).at('reconciling').resolves(decision('done', lost));
      agent.at('done').ends('failed', { kind: 'hostLost', emitted: isOver ? ['succeeded'] : [] });
    }),
  ];
});

const others: readonly Scenario[] = [
  ...afterAttempt.map(place =>
    scenario(
      `a host that is lost while ${place} changes nothing`,
      agent => {
        reach[place](agent).ignores({ type: 'HOST_LOST' });
        if (place === 'releasing') agent.resolves().at('retrying');
        const isChecking = place === 'checking';
        agent
          .kill()
          .at(isChecking ? 'evaluating > done' : 'done')
          .ends('cancelled', { attempts: [isChecking ? 'succeeded' : 'failed'] });
      },
      {
        ...{ retries: 1, isScheduled: place === 'releasing' },
        ...(place === 'checking' && { check: { rounds: 2 } }),
      },
    ),
  ),
  scenario('no attempt follows the loss of a host after a cancel', agent => {
    advance(agent, 'running').cancel().at('stopping > interrupting').sends({ type: 'HOST_LOST' });
    agent.at('reconciling').given({ cancelled: true }).resolves(decision('retrying', lost));
    agent.at('done').ends('cancelled', { attempts: ['failed'], emitted: [] });
  }),
  scenario('the tries of a step on a lost host do not count for the next attempt', agent => {
    reach
      .backingOff(agent)
      .sends({ type: 'HOST_LOST' })
      .at('reconciling')
      .resolves(decision('retrying', lost));
    agent.at('retrying').resolves().at('building').fails('transient').at('backingOff').given({ at: 1_100 });
    finish(advance(agent.resolves(), 'running', 'building')).ends('succeeded', {
      exitCode: 0,
      attempts: ['failed', 'succeeded'],
      emitted: ['succeeded'],
    });
  }),
];

export const lostScenarios: readonly Scenario[] = [...losable, ...others];
