import { quotaWaitLimits } from '../../../../machines/quota.ts';
import {
  advance,
  collected,
  decision,
  died,
  finish,
  quotaExhausted,
  reach,
  type Scenario,
  scenario,
} from './story.ts';

export const retryScenarios: readonly Scenario[] = [
  scenario(
    'a container that was removed from outside is replaced if retries are left',
    agent => {
      advance(agent, 'running')
        .resolves(died(null, { reason: 'removed' }))
        .at('stopping > collecting > removing > removingContainer');
      agent.resolves().at('evaluating > retrying').given({ at: 10_000 }).resolves();
      finish(advance(agent, 'running', 'building')).ends('succeeded', {
        exitCode: 0,
        attempts: ['failed', 'succeeded'],
      });
    },
    { retries: 1 },
  ),
  scenario(
    'a delay between attempts ends if its timer fails',
    agent => {
      reach.retrying(agent).throws(new Error('no clock')).at('building').given({ attempt: 2 });
      finish(advance(agent.resolves({ image: 'image-1' }), 'running', 'networking')).ends('succeeded', {
        exitCode: 0,
        attempts: ['failed', 'succeeded'],
      });
    },
    { retries: 1 },
  ),
  scenario(
    'a failed agent gets a new container after a delay until its retries are used up',
    agent => {
      finish(advance(agent, 'running'), collected(1), 'evaluating > retrying')
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
      finish(
        advance(agent, 'running', 'starting').given({ containerId: 'container-2' }),
        collected(1),
        'evaluating > retrying',
      );
      agent.given({ at: 9_000 + 2_000 }).resolves();
      finish(advance(agent, 'running', 'building').given({ attempt: 3 }), collected(4)).ends('failed', {
        exitCode: 4,
        kind: 'exit',
        attempts: ['failed', 'failed', 'failed'],
      });
    },
    { retries: 2 },
  ),
  scenario(
    'an agent succeeds if an attempt after a failed one succeeds',
    agent => {
      reach.retrying(agent).resolves();
      finish(advance(agent, 'running', 'building')).ends('succeeded', {
        exitCode: 0,
        attempts: ['failed', 'succeeded'],
      });
    },
    { retries: 2 },
  ),
  scenario(
    'an agent that succeeds is not retried',
    agent => finish(advance(agent, 'running')).ends('succeeded', { exitCode: 0 }),
    { retries: 2 },
  ),
  scenario(
    'an agent that ran past its limit is not retried',
    agent =>
      finish(advance(agent, 'running'), collected(124, 'deadline')).ends('timedOut', {
        exitCode: 124,
        kind: 'timeout',
      }),
    { retries: 2 },
  ),
  scenario(
    'a new attempt that is cancelled at once has nothing of the last attempt to remove',
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
    'a container that one attempt left behind does not fail the next',
    agent => {
      advance(agent, 'running')
        .resolves(died(1))
        .at('stopping > collecting > reading')
        .resolves(collected(1));
      agent.at('removing > removingContainer').fails('transient').at('backingOff').resolves();
      agent.at('removing > removingContainer').fails('docker').at('evaluating > retrying').resolves();
      agent.at('building').fails('transient').at('backingOff').given({ at: 1_100 }).resolves();
      finish(advance(agent, 'running', 'building')).ends('succeeded', {
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
      reach.reading(agent).resolves(collected(1)).at('removing > evaluating > retrying').resolves();
      finish(advance(agent, 'running', 'building').given({ containerId: 'container-1' })).ends('succeeded', {
        exitCode: 0,
        attempts: ['failed', 'succeeded'],
      });
    },
    { retries: 1, keep: 'on-failure' },
  ),
  scenario('an agent with an exhausted quota waits until its reset and uses up no retry', agent => {
    reach.waitingForQuota(agent).given({ at: 60_000 }).resolves();
    agent.at('building').given({ attempt: 2, containerId: null, injectedAt: null });
    finish(advance(agent.resolves({ image: 'image-1' }), 'running', 'networking')).ends('succeeded', {
      exitCode: 0,
      attempts: ['failed', 'succeeded'],
    });
  }),
  scenario(
    'an attempt with an exhausted quota does not count as failed',
    agent => {
      reach.waitingForQuota(agent).throws(new Error('no clock'));
      finish(advance(agent, 'running', 'building'), collected(1), 'evaluating > retrying').resolves();
      finish(advance(agent, 'running', 'building'), collected(1)).ends('failed', {
        exitCode: 1,
        kind: 'exit',
        attempts: ['failed', 'failed', 'failed'],
      });
    },
    { retries: 1 },
  ),
  scenario('a quota that is reset at once keeps the delay between attempts', agent => {
    finish(advance(agent, 'running'), quotaExhausted(9_100), 'evaluating > waitingForQuota').given({
      at: 10_000,
    });
    agent
      .cancel()
      .at('done')
      .ends('cancelled', { attempts: ['failed'] });
  }),
  scenario('an agent that keeps reporting an exhausted quota waits a limited number of times', agent => {
    finish(advance(agent, 'running'), quotaExhausted(60_000), 'evaluating > waitingForQuota').resolves();
    for (let waits = 2; waits <= quotaWaitLimits.maxWaits; waits++)
      finish(
        advance(agent, 'running', 'building'),
        quotaExhausted(60_000),
        'evaluating > waitingForQuota',
      ).resolves();
    finish(advance(agent, 'running', 'building'), quotaExhausted(60_000)).ends('failed', {
      exitCode: 1,
      kind: 'quota',
      attempts: Array.from({ length: quotaWaitLimits.maxWaits + 1 }, () => 'failed' as const),
    });
  }),
  scenario(
    'an agent that reports a reset time in the past is retried like any other failure',
    agent => {
      finish(advance(agent, 'running'), quotaExhausted(1), 'evaluating > retrying').resolves();
      finish(advance(agent, 'running', 'building'), quotaExhausted(1)).ends('failed', {
        exitCode: 1,
        kind: 'exit',
        attempts: ['failed', 'failed'],
      });
    },
    { retries: 1 },
  ),
  scenario(
    'an agent whose quota has no known reset time fails',
    agent =>
      finish(advance(agent, 'running'), quotaExhausted(null)).ends('failed', { exitCode: 1, kind: 'quota' }),
    { retries: 2 },
  ),
  scenario('a cancelled agent does not wait for its quota', agent => {
    reach.reading(agent).stays({ type: 'CANCEL', reason: 'enough' });
    agent
      .resolves(quotaExhausted(60_000))
      .at('removing > removingContainer')
      .resolves()
      .at('evaluating > done');
    agent.ends('failed', { exitCode: 1, kind: 'quota' });
  }),
  scenario('a resumed agent continues to wait for its quota', agent => {
    const outcome = {
      status: 'failed',
      exitCode: 1,
      error: { phase: 'running', kind: 'quota', message: 'used up', until: 60_000 },
    } as const;
    agent.at('reconciling').resolves(decision('waitingForQuota', { outcome, end: died(1) }));
    agent.at('waitingForQuota').given({ at: 60_000 }).kill().at('done').ends('cancelled', { attempts: [] });
  }),
  scenario('a clock that is set back by years does not prolong the wait of a resumed agent', agent => {
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
  scenario('an agent that is cancelled while it reconciles does not wait for its quota', agent => {
    agent.at('reconciling').stays({ type: 'CANCEL', reason: 'enough' });
    agent.resolves(decision('waitingForQuota')).at('done').ends('cancelled', { attempts: [] });
  }),
];
