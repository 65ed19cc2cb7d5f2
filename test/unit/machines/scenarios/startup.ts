import { backOffDelay, maxTries } from '../../../../machines/agent-delays.ts';
import type { Walk } from '../walk.ts';
import { answerOf, died, goesHome, goesUp, leaves, type Scenario, said, scenario, startup } from './story.ts';

/** A container that exists and has never run: nothing to stop, nothing to read. */
const neverStarted = (agent: Walk) =>
  agent.at('stopping > collecting > removing > removingContainer').resolves().at('evaluating > done');

const atEnd = { exitCode: 0, containerId: 'container-1', image: 'image-1' };

const everyStep: readonly Scenario[] = startup.flatMap(step => [
  scenario(`${step} that fails with a transient error waits and is retried`, agent => {
    goesUp(agent, step).fails('transient').at('backingOff').given({ at: 1_100 }).resolves();
    if (step === 'running') goesHome(agent.at('running')).ends('succeeded', atEnd);
    else goesHome(goesUp(agent, 'running', step)).ends('succeeded', atEnd);
  }),
  scenario(
    `${step} that keeps failing runs out of tries, each wait twice the last up to five seconds`,
    agent => {
      goesUp(agent, step);
      for (let failures = 1; failures < maxTries; failures++)
        agent
          .fails('transient', { at: failures })
          .at('backingOff')
          .given({ at: failures + backOffDelay(failures) })
          .resolves()
          .at(step);
      agent.fails('transient');
      const ended = { kind: 'transient', phase: step } as const;
      if (step !== 'creating') return leaves(agent, step).ends('failed', ended);
      // One of those creates may have succeeded.
      agent
        .at('stopping > collecting > removing > removingContainer')
        .given({ inDoubt: true, containerId: null })
        .resolves()
        .at('evaluating > done')
        .ends('failed', ended);
    },
  ),
  scenario(`the tries of a step before do not count for ${step}`, agent => {
    const before = startup[Math.max(0, startup.indexOf(step) - 1)]!;
    goesUp(agent, before);
    for (let failures = 1; failures < maxTries; failures++)
      agent.fails('transient').at('backingOff').resolves().at(before);
    if (step !== before)
      agent.resolves(answerOf.get(before)).at(step).fails('transient').at('backingOff').given({ at: 1_100 });
    if (step !== before) agent.resolves().at(step);
    if (step === 'running') goesHome(agent).ends('succeeded', atEnd);
    else {
      agent.resolves(answerOf.get(step));
      goesHome(goesUp(agent, 'running', startup[startup.indexOf(step) + 1]!)).ends('succeeded', atEnd);
    }
  }),
  scenario(`${step} is retried though the clock fails, and not more often`, agent => {
    goesUp(agent, step);
    for (let failures = 1; failures < maxTries; failures++)
      agent.fails('transient').at('backingOff').throws(new Error('no clock')).at(step);
    agent.fails('transient');
    if (step !== 'creating') return leaves(agent, step).ends('failed', { kind: 'transient', phase: step });
    agent.at('stopping > collecting > removing > removingContainer').resolves().at('evaluating > done');
    agent.ends('failed', { kind: 'transient', phase: step });
  }),
  scenario(`${step} that fails for good ends the agent and leaves nothing behind`, agent => {
    goesUp(agent, step).fails('docker', { command: 'docker it', exitCode: 125 });
    const ended = { kind: 'docker', phase: step, message: /^it is docker$/ } as const;
    if (step === 'starting') neverStarted(agent).ends('failed', ended);
    else leaves(agent, step).ends('failed', ended);
  }),
  scenario(`${step} that runs past its limit makes the agent timed out`, agent =>
    leaves(goesUp(agent, step).fails('timeout'), step).ends('timedOut', { kind: 'timeout', phase: step }),
  ),
  scenario(
    `${step} that throws an unexpected error is internal and never retried`,
    agent =>
      leaves(goesUp(agent, step).throws(new TypeError('oops')), step).ends('failed', {
        kind: 'internal',
        phase: step,
        message: /^oops$/,
      }),
    { retries: 3 },
  ),
  scenario(`${step} that finds the engine unreachable waits for it and reconciles`, agent => {
    goesUp(agent, step).fails('unreachable', { inDoubt: true });
    agent.at('engineUnreachable').given({ inDoubt: true }).resolves();
    goesHome(goesUp(agent, 'running')).ends('succeeded', atEnd);
  }),
  scenario(`${step} whose engine stays unreachable ends the agent`, agent => {
    goesUp(agent, step).fails('unreachable').at('engineUnreachable').fails('unreachable');
    const ended = { kind: 'unreachable', phase: 'reconciling' } as const;
    if (step !== 'creating') return leaves(agent, step).ends('failed', ended);
    agent.at('stopping > collecting > removing > removingContainer').given({ inDoubt: true }).resolves();
    agent.at('evaluating > done').ends('failed', ended);
  }),
]);

export const startupScenarios: readonly Scenario[] = [
  scenario('an agent starts, runs, and is removed', agent => {
    agent
      .at('reconciling')
      .given({
        name: 'fixer',
        attempt: 1,
        containerId: null,
        image: null,
        inDoubt: false,
        cancelled: false,
      })
      .resolves(answerOf.get('reconciling'))
      .at('building')
      .given({ image: null })
      .resolves({ image: 'image-1' })
      .at('networking')
      .resolves()
      .at('creating')
      .given({ attempt: 1, image: 'image-1', containerId: null, inDoubt: true })
      .resolves({ containerId: 'container-1' })
      .at('starting')
      .given({ containerId: 'container-1', inDoubt: false })
      .resolves()
      .at('waitingForTmux')
      .resolves(null)
      .at('injecting')
      .given({ injectedAt: null })
      .resolves({ injectedAt: 5_000 })
      .at('running')
      .given({ injectedAt: 5_000, containerId: 'container-1' });
    goesHome(agent).ends('succeeded', atEnd);
  }),
  scenario(
    'the outcome of an agent that ended before its session was reached is that of its end record',
    agent => {
      goesUp(agent, 'waitingForTmux').resolves(died()).at('collecting > reading').resolves(said(0));
      agent
        .at('removing > removingContainer')
        .resolves()
        .at('evaluating > done')
        .ends('succeeded', { exitCode: 0 });
    },
  ),
  scenario('the collecting of one that ended before its session was reached has tries of its own', agent => {
    goesUp(agent, 'waitingForTmux').fails('transient').at('backingOff').resolves().at('waitingForTmux');
    agent.resolves(died()).at('collecting > reading').fails('transient').at('backingOff');
    agent.given({ at: 1_100 }).resolves().at('collecting > reading').resolves(said(0));
    agent
      .at('removing > removingContainer')
      .resolves()
      .at('evaluating > done')
      .ends('succeeded', { exitCode: 0 });
  }),
  scenario('a container that was removed before its session was reached has no transcript', agent => {
    goesUp(agent, 'waitingForTmux').resolves(died(null, { reason: 'removed' }));
    agent.at('collecting > removing > removingContainer').resolves().at('evaluating > done');
    agent.ends('failed', { kind: 'infrastructure', phase: 'running' });
  }),
  scenario('an agent that exits non-zero has failed with its own exit code', agent =>
    goesHome(goesUp(agent, 'running'), said(3)).ends('failed', {
      exitCode: 3,
      kind: 'exit',
      phase: 'running',
    }),
  ),
  scenario('a running agent becomes idle, needs input, and works again', agent => {
    goesUp(agent, 'running').sends({ type: 'IDLE' }).at('idle').sends({ type: 'OUTPUT' }).at('running');
    agent
      .sends({ type: 'NEEDS_INPUT', reason: 'asks' })
      .at('needsInput')
      .sends({ type: 'OUTPUT' })
      .at('running');
    agent.sends({ type: 'IDLE' }).at('idle').sends({ type: 'NEEDS_INPUT', reason: 'asks' }).at('needsInput');
    goesHome(agent).ends('succeeded', atEnd);
  }),
  scenario('the container of an agent that waits for input may end', agent =>
    goesHome(goesUp(agent, 'running').sends({ type: 'NEEDS_INPUT', reason: 'asks' }).at('needsInput')).ends(
      'succeeded',
      atEnd,
    ),
  ),
  scenario('a container that outlives its own limit is stopped, and its agent timed out', agent =>
    goesUp(agent, 'running')
      .resolves('overdue')
      .at('stopping > interrupting')
      .resolves(died(0))
      .at('collecting > reading')
      .resolves(said(0))
      .at('removing > removingContainer')
      .resolves()
      .at('evaluating > done')
      .ends('timedOut', { kind: 'timeout', phase: 'running', exitCode: null }),
  ),
  ...(
    [
      ['overdue', true],
      [died(), false],
    ] as const
  ).map(([word, isOverdue]) =>
    scenario(
      `a watch that used up tries leaves collecting all of its own (${isOverdue ? 'overdue' : 'ended'})`,
      agent => {
        goesUp(agent, 'running')
          .fails('transient', { inDoubt: true })
          .at('backingOff')
          .resolves()
          .at('running')
          .resolves(word);
        if (isOverdue)
          agent
            .at('stopping > interrupting')
            .given({ inDoubt: false })
            .resolves(died())
            .at('collecting > reading');
        else agent.at('stopping > collecting > reading').given({ inDoubt: false });
        agent.fails('transient').at('backingOff').given({ at: 1_100 }).resolves().at('collecting > reading');
        agent.resolves(said(0)).at('removing > removingContainer').resolves().at('evaluating > done');
        if (isOverdue) agent.ends('timedOut', { kind: 'timeout' });
        else agent.ends('succeeded', atEnd);
      },
    ),
  ),
  scenario('a create that was interrupted is settled before its absence is believed', agent =>
    goesUp(agent, 'creating')
      .fails('timeout', { inDoubt: true })
      .at('stopping > collecting > removing > removingContainer')
      .given({ containerId: null, inDoubt: true })
      .resolves()
      .at('evaluating > done')
      .ends('timedOut', { kind: 'timeout', phase: 'creating', containerId: null }),
  ),
  scenario('a create that docker refused the second time may have succeeded the first', agent =>
    goesUp(agent, 'creating')
      .fails('transient', { inDoubt: true })
      .at('backingOff')
      .resolves()
      .at('creating')
      .fails('docker')
      .at('stopping > collecting > removing > removingContainer')
      .given({ containerId: null, inDoubt: true })
      .resolves()
      .at('evaluating > done')
      .ends('failed', { kind: 'docker', phase: 'creating' }),
  ),
  scenario('a start that was interrupted is in doubt when it is retried', agent => {
    goesUp(agent, 'starting').given({ inDoubt: false }).fails('transient', { inDoubt: true });
    agent.at('backingOff').resolves().at('starting').given({ inDoubt: true }).fails('transient');
    agent.at('backingOff').resolves().at('starting').given({ inDoubt: true });
    goesHome(goesUp(agent.resolves(), 'running', 'waitingForTmux')).ends('succeeded', atEnd);
  }),
  scenario('the doubt of an unreachable engine is settled by reconciling, not carried over', agent => {
    goesUp(agent, 'starting')
      .fails('unreachable', { inDoubt: true })
      .at('engineUnreachable')
      .given({ inDoubt: true });
    goesHome(goesUp(agent.resolves(), 'running')).ends('succeeded', atEnd);
  }),
  ...(['building', 'injecting'] as const).flatMap(step => [
    scenario(`${step} that lacks a secret waits for it, and then is done as usual`, agent => {
      goesUp(agent, step).fails('missingSecret').at('waitingForSecrets').resolves();
      goesHome(goesUp(agent, 'running', step)).ends('succeeded', atEnd);
    }),
    scenario(`${step} that waits for a secret in vain fails`, agent =>
      leaves(goesUp(agent, step).fails('missingSecret').at('waitingForSecrets').fails('docker'), step).ends(
        'failed',
        { kind: 'docker', phase: 'building' },
      ),
    ),
    scenario(`${step} that waits for a secret may be cancelled`, agent => {
      const waits = goesUp(agent, step).fails('missingSecret').at('waitingForSecrets');
      leaves(waits.cancel(), step).ends('cancelled');
    }),
    scenario(`${step} that waits for a secret may be killed`, agent => {
      goesUp(agent, step).fails('missingSecret').at('waitingForSecrets').kill();
      if (step === 'injecting') agent.at('removing > removingContainer').resolves().at('evaluating > done');
      else agent.at('removing > evaluating > done');
      agent.ends('cancelled');
    }),
  ]),
  scenario(
    'tries that were used up before the engine became unreachable do not count for reconciling',
    agent => {
      goesUp(agent, 'building');
      for (let failures = 1; failures < maxTries; failures++)
        agent.fails('transient').at('backingOff').resolves().at('building');
      agent.fails('unreachable').at('engineUnreachable').resolves().at('reconciling').fails('transient');
      agent.at('backingOff').given({ at: 1_100 }).resolves();
      goesHome(goesUp(agent, 'running')).ends('succeeded', atEnd);
    },
  ),
  scenario('a step that failed before the engine became unreachable has all of its tries again', agent => {
    goesUp(agent, 'building').fails('transient').at('backingOff').given({ at: 1_100 }).resolves();
    agent.at('building').fails('transient').at('backingOff').given({ at: 1_200 }).resolves();
    agent.at('building').fails('unreachable').at('engineUnreachable').resolves();
    goesUp(agent, 'building').fails('transient').at('backingOff').given({ at: 1_100 }).resolves();
    goesHome(goesUp(agent, 'running', 'building')).ends('succeeded', atEnd);
  }),
];

const refusedStarts: readonly Scenario[] = (
  ['docker', 'image', 'network', 'gpu', 'outOfResources', 'workspace'] as const
).map(kind =>
  scenario(
    `a start that docker refuses (${kind}) has not happened: there is nothing to stop and nothing to read`,
    agent => neverStarted(goesUp(agent, 'starting').fails(kind)).ends('failed', { kind, phase: 'starting' }),
  ),
);

export const stepScenarios = [...everyStep, ...refusedStarts];
