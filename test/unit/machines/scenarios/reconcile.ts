import type { Reconciliation } from '../../../../machines/agent-types.ts';
import type { Outcome } from '../../../../machines/outcome.ts';
import type { Ending } from '../walk.ts';
import { advance, collected, decision, died, finish, type Scenario, scenario } from './story.ts';

/** Facts about a running agent. */
const alive = {
  image: 'image-9',
  containerId: 'container-9',
  started: true,
  injectedAt: 4_000,
} as const satisfies Partial<Reconciliation>;
const ended = { ...alive, end: died(0) } as const;
const lost: Outcome = {
  status: 'failed',
  exitCode: null,
  error: {
    phase: 'reconciling',
    kind: 'infrastructure',
    message: 'the container was restarted from outside',
  },
};
const refused: Outcome = {
  status: 'failed',
  exitCode: null,
  error: { phase: 'reconciling', kind: 'nameConflict', message: 'its name is taken' },
};
const over: Outcome = { status: 'succeeded', exitCode: 0, error: null };
const cancelled: Outcome = { status: 'cancelled', exitCode: null, error: null };
const found: Ending = { exitCode: 0, containerId: 'container-9', image: 'image-9' };

export const reconcileScenarios: readonly Scenario[] = [
  scenario('an agent whose container was never started enters at starting', agent => {
    agent.at('reconciling').resolves(decision('starting', { image: 'image-9', containerId: 'container-9' }));
    agent.at('starting').given({ containerId: 'container-9', image: 'image-9', attempt: 1 });
    finish(advance(agent.resolves(), 'running', 'waitingForTmux')).ends('succeeded', found);
  }),
  scenario('an agent that was never injected enters at waitingForTmux', agent => {
    agent.at('reconciling').resolves(decision('waitingForTmux', { ...alive, injectedAt: null }));
    finish(advance(agent, 'running', 'waitingForTmux')).ends('succeeded', found);
  }),
  scenario('a running agent enters at running and is not started again', agent => {
    agent.at('reconciling').resolves(decision('running', { ...alive, attempt: 2 }));
    finish(agent.at('running').given({ injectedAt: 4_000, attempt: 2, containerId: 'container-9' })).ends(
      'succeeded',
      found,
    );
  }),
  scenario('an agent whose container was restarted enters at stopping with its outcome', agent => {
    agent.at('reconciling').resolves(decision('stopping', { ...alive, outcome: lost }));
    agent.at('stopping > interrupting').resolves(died()).at('collecting > reading').resolves(collected(0));
    agent.at('removing > removingContainer').resolves().at('evaluating > done');
    agent.ends('failed', { kind: 'infrastructure', phase: 'reconciling' });
  }),
  scenario('an agent that ended while no supervisor ran enters at collecting', agent => {
    agent.at('reconciling').resolves(decision('collecting', ended));
    agent
      .at('collecting > reading')
      .resolves(collected(0))
      .at('removing > removingContainer')
      .resolves()
      .at('evaluating > done');
    agent.ends('succeeded', found);
  }),
  scenario(
    'an agent that was cancelled earlier enters at removing',
    agent => {
      agent
        .at('reconciling')
        .resolves(decision('removing', { outcome: cancelled, cancelled: true, inDoubt: true }));
      agent
        .at('removing > removingContainer')
        .given({ cancelled: true, inDoubt: true, containerId: null })
        .resolves();
      agent.at('evaluating > done').ends('cancelled');
    },
    { retries: 2 },
  ),
  scenario('an agent whose container no longer exists enters at removing, with nothing to remove', agent => {
    agent.at('reconciling').resolves(decision('removing', { outcome: lost }));
    agent.at('removing > evaluating > done').ends('failed', { kind: 'infrastructure' });
  }),
  scenario(
    'an agent between two attempts enters at retrying and waits for the rest of the delay',
    agent => {
      const attempts = [{ attempt: 1, containerId: 'container-8', ...lost }];
      agent
        .at('reconciling')
        .resolves(decision('retrying', { outcome: lost, attempts, end: died(1, { at: 500 }) }));
      agent
        .at('retrying')
        .given({ at: 1_500 })
        .resolves()
        .at('building')
        .given({ attempt: 2, containerId: null });
      finish(advance(agent.resolves({ image: 'image-1' }), 'running', 'networking')).ends('succeeded', {
        exitCode: 0,
        attempts: ['failed', 'succeeded'],
        emitted: ['succeeded'],
      });
    },
    { retries: 1 },
  ),
  scenario('the delay before a third attempt is doubled, and counts from the end', agent => {
    agent
      .at('reconciling')
      .resolves(decision('retrying', { attempt: 2, outcome: lost, end: died(1, { at: 500 }) }));
    agent.at('retrying').given({ at: 2_500 }).cancel().at('done').ends('cancelled', { attempts: [] });
  }),
  scenario('an end of unknown time adds no delay', agent => {
    agent.at('reconciling').resolves(decision('retrying', { outcome: lost }));
    agent.at('retrying').given({ at: 1_000 }).kill().at('done').ends('cancelled', { attempts: [] });
  }),
  scenario('an agent that has ended enters at done with its outcome', agent => {
    const attempts = [{ attempt: 1, containerId: 'container-9', ...over }];
    agent.at('reconciling').resolves(decision('done', { ...ended, outcome: over, attempts }));
    agent.at('done').ends('succeeded', { ...found, emitted: [] });
  }),
  scenario('a name conflict ends the agent without any action', agent => {
    agent.at('reconciling').resolves(decision('done', { outcome: refused }));
    agent.at('done').ends('failed', { kind: 'nameConflict', attempts: [], emitted: [] });
  }),
  scenario('an existing outcome is kept when the agent reconciles again', agent => {
    advance(agent, 'injecting').fails('image').at('stopping > interrupting').resolves(died());
    agent.at('collecting > reading').fails('unreachable').at('engineUnreachable').resolves();
    agent
      .at('reconciling')
      .resolves(decision('collecting', ended))
      .at('collecting > reading')
      .resolves(collected(0));
    agent
      .at('removing > removingContainer')
      .resolves()
      .at('evaluating > done')
      .ends('failed', { kind: 'image' });
  }),
  scenario('an outcome that reconcile returns is kept over the end of the container', agent => {
    advance(agent, 'running').fails('unreachable').at('engineUnreachable').resolves();
    agent.at('reconciling').resolves(decision('collecting', { ...ended, outcome: lost }));
    agent
      .at('collecting > reading')
      .resolves(collected(0))
      .at('removing > removingContainer')
      .resolves()
      .at('evaluating > done');
    agent.ends('failed', { kind: 'infrastructure' });
  }),
  scenario('reconciling may be interrupted a second time', agent => {
    advance(agent, 'running').fails('unreachable').at('engineUnreachable').resolves();
    agent.at('reconciling').fails('unreachable').at('engineUnreachable').resolves();
    agent.at('reconciling').resolves(decision('running', alive));
    finish(agent.at('running')).ends('succeeded', found);
  }),
];
