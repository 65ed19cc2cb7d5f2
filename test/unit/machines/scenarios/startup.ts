import { backOffDelay, maxTries } from '../../../../machines/agent-delays.ts';
import type { Walk } from '../walk.ts';
import {
  advance,
  cleanUp,
  collected,
  died,
  finish,
  resultOf,
  type Scenario,
  scenario,
  startup,
} from './story.ts';

/** Remove a container that never ran, without stopping or reading it. */
const neverStarted = (agent: Walk) =>
  agent.at('stopping > collecting > removing > removingContainer').resolves().at('evaluating > done');

const atEnd = { exitCode: 0, containerId: 'container-1', image: 'image-1' };

const everyStep: readonly Scenario[] = startup.flatMap(step => [
  scenario(`${step} is retried after a transient error`, agent => {
    advance(agent, step).fails('transient').at('backingOff').given({ at: 1_100 }).resolves();
    if (step === 'running') finish(agent.at('running')).ends('succeeded', atEnd);
    else finish(advance(agent, 'running', step)).ends('succeeded', atEnd);
  }),
  scenario(`${step} that keeps failing runs out of tries after growing backoffs`, agent => {
    advance(agent, step);
    for (let failures = 1; failures < maxTries; failures++)
      agent
        .fails('transient', { at: failures })
        .at('backingOff')
        .given({ at: failures + backOffDelay(failures) })
        .resolves()
        .at(step);
    agent.fails('transient');
    const ended = { kind: 'transient', phase: step } as const;
    if (step !== 'creating') return cleanUp(agent, step).ends('failed', ended);
    // One of the creates may have succeeded.
    agent
      .at('stopping > collecting > removing > removingContainer')
      .given({ inDoubt: true, containerId: null })
      .resolves()
      .at('evaluating > done')
      .ends('failed', ended);
  }),
  scenario(`the tries of the previous step do not count for ${step}`, agent => {
    const before = startup[Math.max(0, startup.indexOf(step) - 1)]!;
    advance(agent, before);
    for (let failures = 1; failures < maxTries; failures++)
      agent.fails('transient').at('backingOff').resolves().at(before);
    if (step !== before)
      agent.resolves(resultOf.get(before)).at(step).fails('transient').at('backingOff').given({ at: 1_100 });
    if (step !== before) agent.resolves().at(step);
    if (step === 'running') finish(agent).ends('succeeded', atEnd);
    else {
      agent.resolves(resultOf.get(step));
      finish(advance(agent, 'running', startup[startup.indexOf(step) + 1]!)).ends('succeeded', atEnd);
    }
  }),
  scenario(`${step} is retried as often if the clock fails`, agent => {
    advance(agent, step);
    for (let failures = 1; failures < maxTries; failures++)
      agent.fails('transient').at('backingOff').throws(new Error('no clock')).at(step);
    agent.fails('transient');
    if (step !== 'creating') return cleanUp(agent, step).ends('failed', { kind: 'transient', phase: step });
    agent.at('stopping > collecting > removing > removingContainer').resolves().at('evaluating > done');
    agent.ends('failed', { kind: 'transient', phase: step });
  }),
  scenario(`${step} that fails permanently ends the agent and leaves nothing behind`, agent => {
    advance(agent, step).fails('docker', { command: 'docker it', exitCode: 125 });
    const ended = { kind: 'docker', phase: step, message: /^docker failure$/ } as const;
    if (step === 'starting') neverStarted(agent).ends('failed', ended);
    else cleanUp(agent, step).ends('failed', ended);
  }),
  scenario(`${step} that exceeds its limit makes the agent timed out`, agent =>
    cleanUp(advance(agent, step).fails('timeout'), step).ends('timedOut', { kind: 'timeout', phase: step }),
  ),
  scenario(
    `${step} that throws an unexpected error is internal and never retried`,
    agent =>
      cleanUp(advance(agent, step).throws(new TypeError('oops')), step).ends('failed', {
        kind: 'internal',
        phase: step,
        message: /^oops$/,
      }),
    { retries: 3 },
  ),
  scenario(`${step} that finds the engine unreachable waits for it and reconciles`, agent => {
    advance(agent, step).fails('unreachable', { inDoubt: true });
    agent.at('engineUnreachable').given({ inDoubt: true }).resolves();
    finish(advance(agent, 'running')).ends('succeeded', atEnd);
  }),
  scenario(`${step} whose engine stays unreachable ends the agent`, agent => {
    advance(agent, step).fails('unreachable').at('engineUnreachable').fails('unreachable');
    const ended = { kind: 'unreachable', phase: 'reconciling' } as const;
    if (step !== 'creating') return cleanUp(agent, step).ends('failed', ended);
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
      .resolves(resultOf.get('reconciling'))
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
    finish(agent).ends('succeeded', atEnd);
  }),
  scenario('an agent that ended before its session was reached has the outcome of its end record', agent => {
    advance(agent, 'waitingForTmux').resolves(died()).at('collecting > reading').resolves(collected(0));
    agent
      .at('removing > removingContainer')
      .resolves()
      .at('evaluating > done')
      .ends('succeeded', { exitCode: 0 });
  }),
  scenario('failed tries of waitingForTmux do not count for collecting', agent => {
    advance(agent, 'waitingForTmux').fails('transient').at('backingOff').resolves().at('waitingForTmux');
    agent.resolves(died()).at('collecting > reading').fails('transient').at('backingOff');
    agent.given({ at: 1_100 }).resolves().at('collecting > reading').resolves(collected(0));
    agent
      .at('removing > removingContainer')
      .resolves()
      .at('evaluating > done')
      .ends('succeeded', { exitCode: 0 });
  }),
  scenario('a container that was removed before its session was reached has no transcript', agent => {
    advance(agent, 'waitingForTmux').resolves(died(null, { reason: 'removed' }));
    agent.at('collecting > removing > removingContainer').resolves().at('evaluating > done');
    agent.ends('failed', { kind: 'infrastructure', phase: 'running' });
  }),
  scenario('an agent that exits non-zero fails with its exit code', agent =>
    finish(advance(agent, 'running'), collected(3)).ends('failed', {
      exitCode: 3,
      kind: 'exit',
      phase: 'running',
    }),
  ),
  scenario('a running agent becomes idle, needs input, and works again', agent => {
    advance(agent, 'running').sends({ type: 'IDLE' }).at('idle').sends({ type: 'OUTPUT' }).at('running');
    agent
      .sends({ type: 'NEEDS_INPUT', reason: 'question' })
      .at('needsInput')
      .sends({ type: 'OUTPUT' })
      .at('running');
    agent
      .sends({ type: 'IDLE' })
      .at('idle')
      .sends({ type: 'NEEDS_INPUT', reason: 'question' })
      .at('needsInput');
    finish(agent).ends('succeeded', atEnd);
  }),
  scenario('an agent may end while it needs input', agent =>
    finish(
      advance(agent, 'running').sends({ type: 'NEEDS_INPUT', reason: 'question' }).at('needsInput'),
    ).ends('succeeded', atEnd),
  ),
  scenario('a container that outlives its limit is stopped, and its agent times out', agent =>
    advance(agent, 'running')
      .resolves('overdue')
      .at('stopping > interrupting')
      .resolves(died(0))
      .at('collecting > reading')
      .resolves(collected(0))
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
  ).map(([end, isOverdue]) =>
    scenario(
      `failed tries of watch do not count for collecting (${isOverdue ? 'overdue' : 'ended'})`,
      agent => {
        advance(agent, 'running')
          .fails('transient', { inDoubt: true })
          .at('backingOff')
          .resolves()
          .at('running')
          .resolves(end);
        if (isOverdue)
          agent
            .at('stopping > interrupting')
            .given({ inDoubt: false })
            .resolves(died())
            .at('collecting > reading');
        else agent.at('stopping > collecting > reading').given({ inDoubt: false });
        agent.fails('transient').at('backingOff').given({ at: 1_100 }).resolves().at('collecting > reading');
        agent.resolves(collected(0)).at('removing > removingContainer').resolves().at('evaluating > done');
        if (isOverdue) agent.ends('timedOut', { kind: 'timeout' });
        else agent.ends('succeeded', atEnd);
      },
    ),
  ),
  scenario('a create that was interrupted is in doubt when its container is removed', agent =>
    advance(agent, 'creating')
      .fails('timeout', { inDoubt: true })
      .at('stopping > collecting > removing > removingContainer')
      .given({ containerId: null, inDoubt: true })
      .resolves()
      .at('evaluating > done')
      .ends('timedOut', { kind: 'timeout', phase: 'creating', containerId: null }),
  ),
  scenario('a create that is refused after an interrupted one is in doubt', agent =>
    advance(agent, 'creating')
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
    advance(agent, 'starting').given({ inDoubt: false }).fails('transient', { inDoubt: true });
    agent.at('backingOff').resolves().at('starting').given({ inDoubt: true }).fails('transient');
    agent.at('backingOff').resolves().at('starting').given({ inDoubt: true });
    finish(advance(agent.resolves(), 'running', 'waitingForTmux')).ends('succeeded', atEnd);
  }),
  scenario('reconciling settles the doubt of an unreachable engine', agent => {
    advance(agent, 'starting')
      .fails('unreachable', { inDoubt: true })
      .at('engineUnreachable')
      .given({ inDoubt: true });
    finish(advance(agent.resolves(), 'running')).ends('succeeded', atEnd);
  }),
  ...(['building', 'waitingForTmux', 'injecting'] as const).flatMap(step => [
    scenario(`${step} waits for a missing secret, then succeeds`, agent => {
      advance(agent, step).fails('missingSecret').at('waitingForSecrets').resolves();
      finish(advance(agent, 'running', step)).ends('succeeded', atEnd);
    }),
    scenario(`${step} fails if its secret stays missing`, agent =>
      cleanUp(advance(agent, step).fails('missingSecret').at('waitingForSecrets').fails('docker'), step).ends(
        'failed',
        { kind: 'docker', phase: 'building' },
      ),
    ),
    scenario(`a cancel while ${step} waits for a secret ends the wait`, agent => {
      const waits = advance(agent, step).fails('missingSecret').at('waitingForSecrets');
      cleanUp(waits.cancel(), step).ends('cancelled');
    }),
    scenario(`a kill while ${step} waits for a secret ends the wait`, agent => {
      advance(agent, step).fails('missingSecret').at('waitingForSecrets').kill();
      if (step !== 'building') agent.at('removing > removingContainer').resolves().at('evaluating > done');
      else agent.at('removing > evaluating > done');
      agent.ends('cancelled');
    }),
  ]),
  scenario('failed tries before an unreachable engine do not count for reconciling', agent => {
    advance(agent, 'building');
    for (let failures = 1; failures < maxTries; failures++)
      agent.fails('transient').at('backingOff').resolves().at('building');
    agent.fails('unreachable').at('engineUnreachable').resolves().at('reconciling').fails('transient');
    agent.at('backingOff').given({ at: 1_100 }).resolves();
    finish(advance(agent, 'running')).ends('succeeded', atEnd);
  }),
  scenario('a step has all of its tries again after an unreachable engine', agent => {
    advance(agent, 'building').fails('transient').at('backingOff').given({ at: 1_100 }).resolves();
    agent.at('building').fails('transient').at('backingOff').given({ at: 1_200 }).resolves();
    agent.at('building').fails('unreachable').at('engineUnreachable').resolves();
    advance(agent, 'building').fails('transient').at('backingOff').given({ at: 1_100 }).resolves();
    finish(advance(agent, 'running', 'building')).ends('succeeded', atEnd);
  }),
];

const refusedStarts: readonly Scenario[] = (
  ['docker', 'image', 'network', 'gpu', 'outOfResources', 'workspace'] as const
).map(kind =>
  scenario(`a container whose start is refused (${kind}) is neither stopped nor read`, agent =>
    neverStarted(advance(agent, 'starting').fails(kind)).ends('failed', { kind, phase: 'starting' }),
  ),
);

export const stepScenarios = [...everyStep, ...refusedStarts];
