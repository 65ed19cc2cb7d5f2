import { quotaWaitLimits } from '../../../../machines/outcome.ts';
import { decision, died, goesHome, goesUp, reach, type Scenario, said, scenario, usedUp } from './story.ts';

export const retryScenarios: readonly Scenario[] = [
  scenario(
    'a container that was removed from outside is replaced if retries are left',
    agent => {
      goesUp(agent, 'running')
        .resolves(died(null, { reason: 'removed' }))
        .at('stopping > collecting > removing > removingContainer');
      agent.resolves().at('evaluating > retrying').given({ at: 10_000 }).resolves();
      goesHome(goesUp(agent, 'running', 'building')).ends('succeeded', {
        exitCode: 0,
        attempts: ['failed', 'succeeded'],
      });
    },
    { retries: 1 },
  ),
  scenario(
    'a wait between two attempts that fails has ended',
    agent => {
      reach.retrying(agent).throws(new Error('no clock')).at('building').given({ attempt: 2 });
      goesHome(goesUp(agent.resolves({ image: 'image-1' }), 'running', 'networking')).ends('succeeded', {
        exitCode: 0,
        attempts: ['failed', 'succeeded'],
      });
    },
    { retries: 1 },
  ),
  scenario(
    'an agent that failed gets a new container, after a delay from its end, until its retries are used up',
    agent => {
      goesHome(goesUp(agent, 'running'), said(1), 'evaluating > retrying')
        .given({ at: 9_000 + 1_000 })
        .resolves();
      agent.at('building').given({ attempt: 2, containerId: null, injectedAt: null, inDoubt: false });
      agent
        .resolves({ image: 'image-2' })
        .at('networking')
        .resolves()
        .at('creating')
        .given({ image: 'image-2' });
      agent.resolves({ containerId: 'container-2' });
      goesHome(
        goesUp(agent, 'running', 'starting').given({ containerId: 'container-2' }),
        said(1),
        'evaluating > retrying',
      );
      agent.given({ at: 9_000 + 2_000 }).resolves();
      goesHome(goesUp(agent, 'running', 'building').given({ attempt: 3 }), said(4)).ends('failed', {
        exitCode: 4,
        kind: 'exit',
        attempts: ['failed', 'failed', 'failed'],
      });
    },
    { retries: 2 },
  ),
  scenario(
    'an attempt that succeeds after one that failed makes the agent succeed',
    agent => {
      reach.retrying(agent).resolves();
      goesHome(goesUp(agent, 'running', 'building')).ends('succeeded', {
        exitCode: 0,
        attempts: ['failed', 'succeeded'],
      });
    },
    { retries: 2 },
  ),
  scenario(
    'an agent that succeeds is not retried',
    agent => goesHome(goesUp(agent, 'running')).ends('succeeded', { exitCode: 0 }),
    { retries: 2 },
  ),
  scenario(
    'an agent that ran past its limit is not retried',
    agent =>
      goesHome(goesUp(agent, 'running'), said(124, 'deadline')).ends('timedOut', {
        exitCode: 124,
        kind: 'timeout',
      }),
    { retries: 2 },
  ),
  scenario(
    'a new attempt inherits nothing of the last: cancelled at once, it has nothing to remove',
    agent => {
      reach
        .retrying(agent)
        .resolves()
        .at('building')
        .cancel()
        .at('stopping > collecting > removing > evaluating > done');
      agent.ends('cancelled', { attempts: ['failed', 'cancelled'], containerId: null });
    },
    { retries: 1 },
  ),
  scenario(
    'the container that one attempt left behind does not count against the next',
    agent => {
      goesUp(agent, 'running').resolves(died(1)).at('stopping > collecting > reading').resolves(said(1));
      agent.at('removing > removingContainer').fails('transient').at('backingOff').resolves();
      agent.at('removing > removingContainer').fails('docker').at('evaluating > retrying').resolves();
      agent.at('building').fails('transient').at('backingOff').given({ at: 1_100 }).resolves();
      goesHome(goesUp(agent, 'running', 'building')).ends('succeeded', {
        exitCode: 0,
        attempts: ['failed', 'succeeded'],
        emitted: ['failed', 'failed', 'succeeded'],
      });
    },
    { retries: 1 },
  ),
  scenario(
    'a kept container of a failed attempt does not block the next',
    agent => {
      reach.reading(agent).resolves(said(1)).at('removing > evaluating > retrying').resolves();
      goesHome(goesUp(agent, 'running', 'building').given({ containerId: 'container-1' })).ends('succeeded', {
        exitCode: 0,
        attempts: ['failed', 'succeeded'],
      });
    },
    { retries: 1, keep: 'on-failure' },
  ),
  scenario('an agent whose quota is exhausted waits until it is reset, and uses up no retry', agent => {
    reach.waitingForQuota(agent).given({ at: 60_000 }).resolves();
    agent.at('building').given({ attempt: 2, containerId: null, injectedAt: null });
    goesHome(goesUp(agent.resolves({ image: 'image-1' }), 'running', 'networking')).ends('succeeded', {
      exitCode: 0,
      attempts: ['failed', 'succeeded'],
    });
  }),
  scenario(
    'an attempt that ended with an exhausted quota is not counted among those that failed',
    agent => {
      reach.waitingForQuota(agent).throws(new Error('no clock'));
      goesHome(goesUp(agent, 'running', 'building'), said(1), 'evaluating > retrying').resolves();
      goesHome(goesUp(agent, 'running', 'building'), said(1)).ends('failed', {
        exitCode: 1,
        kind: 'exit',
        attempts: ['failed', 'failed', 'failed'],
      });
    },
    { retries: 1 },
  ),
  scenario('a quota that is reset at once is still followed by the delay between attempts', agent => {
    goesHome(goesUp(agent, 'running'), usedUp(9_100), 'evaluating > waitingForQuota').given({ at: 10_000 });
    agent
      .cancel()
      .at('done')
      .ends('cancelled', { attempts: ['failed'] });
  }),
  scenario(
    'an agent that reports an exhausted quota again and again waits for it a limited number of times',
    agent => {
      goesHome(goesUp(agent, 'running'), usedUp(60_000), 'evaluating > waitingForQuota').resolves();
      for (let waits = 2; waits <= quotaWaitLimits.maxWaits; waits++)
        goesHome(
          goesUp(agent, 'running', 'building'),
          usedUp(60_000),
          'evaluating > waitingForQuota',
        ).resolves();
      goesHome(goesUp(agent, 'running', 'building'), usedUp(60_000)).ends('failed', {
        exitCode: 1,
        kind: 'quota',
        attempts: Array.from({ length: quotaWaitLimits.maxWaits + 1 }, () => 'failed' as const),
      });
    },
  ),
  scenario(
    'an agent that reports a reset time in the past fails like any other',
    agent => {
      goesHome(goesUp(agent, 'running'), usedUp(1), 'evaluating > retrying').resolves();
      goesHome(goesUp(agent, 'running', 'building'), usedUp(1)).ends('failed', {
        exitCode: 1,
        kind: 'exit',
        attempts: ['failed', 'failed'],
      });
    },
    { retries: 1 },
  ),
  scenario(
    'an agent whose quota has no known reset time has failed',
    agent => goesHome(goesUp(agent, 'running'), usedUp(null)).ends('failed', { exitCode: 1, kind: 'quota' }),
    { retries: 2 },
  ),
  scenario('a cancelled agent does not wait for its quota', agent => {
    reach.reading(agent).stays({ type: 'CANCEL', reason: 'enough' });
    agent.resolves(usedUp(60_000)).at('removing > removingContainer').resolves().at('evaluating > done');
    agent.ends('failed', { exitCode: 1, kind: 'quota' });
  }),
  scenario('an agent that is resumed while it waits for its quota continues to wait', agent => {
    const outcome = {
      status: 'failed',
      exitCode: 1,
      error: { phase: 'running', kind: 'quota', message: 'used up', until: 60_000 },
    } as const;
    agent.at('reconciling').resolves(decision('waitingForQuota', { outcome, end: died(1) }));
    agent.at('waitingForQuota').given({ at: 60_000 }).kill().at('done').ends('cancelled', { attempts: [] });
  }),
  scenario('an agent that is resumed with a clock set back by years does not wait for years', agent => {
    const until = 60_000 + 1_000 * quotaWaitLimits.maxWaitMs;
    const outcome = {
      status: 'failed',
      exitCode: 1,
      error: { phase: 'running', kind: 'quota', message: 'used up', until },
    } as const;
    agent.at('reconciling').resolves(decision('waitingForQuota', { outcome, end: died(1) }));
    agent.at('waitingForQuota').given({ at: 9_000 + quotaWaitLimits.maxWaitMs });
    agent.cancel().at('done').ends('cancelled', { attempts: [] });
  }),
  scenario(
    'an agent that is resumed, and cancelled before the wait for its quota is known, is done',
    agent => {
      agent.at('reconciling').stays({ type: 'CANCEL', reason: 'enough' });
      agent.resolves(decision('waitingForQuota')).at('done').ends('cancelled', { attempts: [] });
    },
  ),
];
