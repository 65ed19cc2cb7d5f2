import type { Outcome } from '../../../../machines/outcome.ts';
import type { Place, Walk } from '../walk.ts';
import {
  advance,
  cleanUp,
  collected,
  collectedNothing,
  decision,
  died,
  isLive,
  reach,
  resultOf,
  type Scenario,
  scenario,
  startup,
} from './story.ts';

const escalation = ['interrupting', 'terminating', 'stoppingContainer', 'killing'] as const;

/** Clean up after the escalation. */
const cleanUpAfterStop = (agent: Walk) =>
  agent
    .at('collecting > reading')
    .resolves(collected(0))
    .at('removing > removingContainer')
    .resolves()
    .at('evaluating > done');
const overdue = { kind: 'timeout', phase: 'running' } as const;

const escalationScenarios: readonly Scenario[] = [
  ...escalation.map(step =>
    scenario(`a container that ends on ${step} is not escalated further`, agent =>
      cleanUpAfterStop(reach[step](agent).resolves(died(143))).ends('timedOut', overdue),
    ),
  ),
  ...escalation.slice(0, -1).map((step, index) =>
    scenario(`${step} that fails continues with the next step`, agent =>
      cleanUpAfterStop(
        reach[step](agent)
          .fails('docker')
          .at(escalation[index + 1]!)
          .resolves(died()),
      ).ends('timedOut', overdue),
    ),
  ),
  scenario('a container that survives the whole escalation is removed by force', agent =>
    cleanUpAfterStop(reach.killing(agent).resolves(null)).ends('timedOut', overdue),
  ),
  scenario(
    'a container that survives the whole escalation is removed even with keep "always"',
    agent => cleanUpAfterStop(reach.killing(agent).resolves(null)).ends('timedOut', overdue),
    { keep: 'always' },
  ),
  scenario('a kill that fails does not block the removal', agent =>
    cleanUpAfterStop(reach.killing(agent).fails('unreachable')).ends('timedOut', overdue),
  ),
  ...escalation.map(step =>
    scenario(`a second cancel while ${step} restarts the escalation`, agent => {
      advance(agent, 'running').cancel().at('stopping > interrupting').given({ cancelled: true });
      for (const next of escalation.slice(1, escalation.indexOf(step) + 1)) agent.resolves(null).at(next);
      agent.cancel().at('stopping > interrupting').given({ cancelled: true }).resolves(died());
      cleanUpAfterStop(agent).ends('cancelled');
    }),
  ),
  scenario(
    'a cancel of an agent that exceeded its limit restarts the escalation and keeps the outcome',
    agent => {
      reach.terminating(agent).given({ cancelled: false }).cancel();
      agent.at('stopping > interrupting').given({ cancelled: true }).resolves(died());
      cleanUpAfterStop(agent).ends('timedOut', overdue);
    },
  ),
  scenario('an end during interrupting determines the outcome', agent => {
    advance(agent, 'running').fails('unreachable').at('engineUnreachable').resolves().at('reconciling');
    agent.resolves(decision('stopping', { containerId: 'container-1', started: true }));
    agent
      .at('stopping > interrupting')
      .resolves(died(137, { oomKilled: true }))
      .at('collecting > reading');
    agent.resolves(collectedNothing).at('removing > removingContainer').resolves().at('evaluating > done');
    agent.ends('failed', { kind: 'outOfMemory', exitCode: 137 });
  }),
  ...(['terminating', 'stoppingContainer', 'killing'] as const).map(step =>
    scenario(`an end while ${step} determines the outcome`, agent => {
      agent.at('reconciling').resolves(decision('stopping', { containerId: 'container-1', started: true }));
      agent.at('stopping > interrupting');
      for (const next of escalation.slice(1, escalation.indexOf(step) + 1)) agent.resolves(null).at(next);
      agent
        .resolves(died(137, { oomKilled: true }))
        .at('collecting > reading')
        .resolves(collectedNothing);
      agent.at('removing > removingContainer').resolves().at('evaluating > done');
      agent.ends('failed', { kind: 'outOfMemory', exitCode: 137 });
    }),
  ),
  scenario('a container that has ended is not stopped', agent => {
    agent.at('reconciling').resolves(decision('stopping', { containerId: 'c', started: true, end: died(1) }));
    agent
      .at('stopping > collecting > reading')
      .resolves(collected(1))
      .at('removing > removingContainer')
      .resolves();
    agent.at('evaluating > done').ends('failed', { kind: 'exit', exitCode: 1 });
  }),
  scenario('a container that was never started is neither stopped nor read', agent => {
    agent.at('reconciling').resolves(decision('stopping', { containerId: 'c' }));
    agent.at('stopping > collecting > removing > removingContainer').given({ containerId: 'c' }).resolves();
    agent.at('evaluating > done').ends('failed', { kind: 'infrastructure' });
  }),
];

const cancel = { type: 'CANCEL', reason: 'requested' } as const;
const found = { containerId: 'container-9', image: 'image-9' } as const;

/** A cancelled agent is still reconciled, since its container has to be stopped, read and removed. */
const cancelWhileReconciling: readonly Scenario[] = [
  ...(['running', 'waitingForTmux'] as const).map(entry =>
    scenario(
      `an agent that is cancelled before it enters at ${entry} is stopped and collected`,
      agent => {
        agent
          .at('reconciling')
          .stays(cancel)
          .resolves(decision(entry, { ...found, started: true }));
        agent.at('stopping > interrupting').given({ cancelled: true, containerId: 'container-9' });
        agent
          .resolves(died(130))
          .at('collecting > reading')
          .resolves(collected(130))
          .at('removing > removingContainer')
          .resolves();
        agent.at('evaluating > done').ends('cancelled', found);
      },
      { retries: 2 },
    ),
  ),
  scenario('an agent that is cancelled before it enters at starting is removed', agent => {
    agent.at('reconciling').stays(cancel).resolves(decision('starting', found));
    agent
      .at('stopping > collecting > removing > removingContainer')
      .given({ cancelled: true, containerId: 'container-9' });
    agent.resolves().at('evaluating > done').ends('cancelled', found);
  }),
  scenario(
    'an agent that ended before it was cancelled keeps its outcome and is not retried',
    agent => {
      agent
        .at('reconciling')
        .stays(cancel)
        .resolves(decision('collecting', { ...found, started: true, end: died(1) }));
      agent.at('collecting > reading').given({ cancelled: true }).resolves(collected(1));
      agent.at('removing > removingContainer').given({ cancelled: true }).resolves();
      agent.at('evaluating > done').ends('failed', { kind: 'exit', exitCode: 1 });
    },
    { retries: 2 },
  ),
  scenario(
    'an agent that is cancelled before it enters at retrying gets no new attempt',
    agent => {
      const lost: Outcome = {
        status: 'failed',
        exitCode: 9,
        error: { phase: 'running', kind: 'exit', message: 'exited with 9' },
      };
      const attempts = [{ attempt: 1, containerId: 'container-8', ...lost }];
      agent
        .at('reconciling')
        .stays(cancel)
        .resolves(decision('retrying', { outcome: lost, attempts }));
      agent.at('done').ends('cancelled', { attempts: ['failed'], emitted: [] });
    },
    { retries: 2 },
  ),
  ...(['unreachable', 'transient', 'docker'] as const).map(kind =>
    scenario(`an agent that is cancelled before reconciling fails (${kind}) does not wait`, agent => {
      agent.at('reconciling').stays(cancel).fails(kind);
      agent.at('stopping > collecting > removing > evaluating > done').ends('cancelled');
    }),
  ),
];

const cancelDuringStartup: readonly Scenario[] = startup.flatMap(step => [
  scenario(
    `a cancel while ${step} stops and removes the container`,
    agent => {
      if (step === 'reconciling') reach[step](agent).stays(cancel).resolves(resultOf.get(step));
      else reach[step](agent).cancel();
      if (step === 'creating')
        agent
          .at('stopping > collecting > removing > removingContainer')
          .given({ inDoubt: true, cancelled: true })
          .resolves()
          .at('evaluating > done');
      else cleanUp(agent, step);
      agent.ends('cancelled');
    },
    { retries: 2, keep: 'always' },
  ),
  scenario(
    `a kill while ${step} removes the container at once`,
    agent => {
      reach[step](agent).kill();
      if (step === 'creating' || isLive(step))
        agent
          .at('removing > removingContainer')
          .given({ inDoubt: step === 'creating', cancelled: true })
          .resolves()
          .at('evaluating > done');
      else agent.at('removing > evaluating > done');
      agent.ends('cancelled');
    },
    { retries: 2, keep: 'always' },
  ),
]);

const kills: readonly Scenario[] = (
  ['idle', 'needsInput', ...escalation, 'reading'] as const satisfies readonly Place[]
).map(place =>
  scenario(
    `a kill while ${place} removes the container at once`,
    agent => {
      const isEscalating = (escalation as readonly string[]).includes(place);
      reach[place](agent)
        .kill()
        .at('removing > removingContainer')
        .given({ cancelled: true })
        .resolves()
        .at('evaluating > done');
      if (isEscalating) agent.ends('timedOut', overdue);
      else agent.ends('cancelled');
    },
    { retries: 2 },
  ),
);

export const stopScenarios: readonly Scenario[] = [
  ...escalationScenarios,
  ...cancelWhileReconciling,
  ...cancelDuringStartup,
  ...kills,
  ...(['idle', 'needsInput'] as const).map(place =>
    scenario(`a cancel while ${place} stops the agent`, agent =>
      cleanUp(reach[place](agent).cancel(), 'running').ends('cancelled'),
    ),
  ),
  ...startup.flatMap(step => [
    scenario(`a cancel while ${step} backs off ends the wait`, agent => {
      reach[step](agent).fails('transient').at('backingOff').cancel();
      if (step === 'creating')
        agent
          .at('stopping > collecting > removing > removingContainer')
          .given({ inDoubt: true })
          .resolves()
          .at('evaluating > done');
      else cleanUp(agent, step);
      agent.ends('cancelled');
    }),
    scenario(`a kill while ${step} backs off ends the wait`, agent => {
      reach[step](agent).fails('transient').at('backingOff').kill();
      if (step === 'creating' || isLive(step))
        agent.at('removing > removingContainer').resolves().at('evaluating > done');
      else agent.at('removing > evaluating > done');
      agent.ends('cancelled');
    }),
  ]),
  scenario(
    'a cancel while the engine is unreachable leaves the container behind',
    agent => {
      advance(agent, 'running').fails('unreachable').at('engineUnreachable').cancel();
      for (const step of ['stopping > interrupting', 'terminating', 'stoppingContainer', 'killing'])
        agent.at(step).given({ cancelled: true }).fails('unreachable');
      agent
        .at('collecting > reading')
        .fails('unreachable')
        .at('removing > removingContainer')
        .fails('unreachable');
      agent
        .at('evaluating > done')
        .ends('cancelled', { kind: 'infrastructure', phase: 'removing', message: /left behind/ });
    },
    { retries: 2 },
  ),
  scenario('a kill while the engine is unreachable ends the wait', agent =>
    advance(agent, 'running')
      .fails('unreachable')
      .at('engineUnreachable')
      .kill()
      .at('removing > removingContainer')
      .resolves()
      .at('evaluating > done')
      .ends('cancelled'),
  ),
  scenario('a cancel while the transcript is read keeps the transcript and the outcome', agent =>
    reach
      .reading(agent)
      .stays({ type: 'CANCEL', reason: 'requested' })
      .resolves(collected(0))
      .at('removing > removingContainer')
      .given({ cancelled: true })
      .resolves()
      .at('evaluating > done')
      .ends('succeeded', { exitCode: 0 }),
  ),
  scenario(
    'a cancel while the container is removed keeps the outcome and prevents another attempt',
    agent =>
      reach
        .reading(agent)
        .resolves(collected(1))
        .at('removing > removingContainer')
        .stays({ type: 'CANCEL', reason: 'requested' })
        .resolves()
        .at('evaluating > done')
        .ends('failed', { kind: 'exit', exitCode: 1 }),
    { retries: 2 },
  ),
  scenario('a cancel while reading backs off keeps the outcome and the wait', agent => {
    reach.reading(agent).fails('transient').at('backingOff').stays({ type: 'CANCEL', reason: 'requested' });
    agent.resolves().at('collecting > reading').given({ cancelled: true }).resolves(collected(0));
    agent
      .at('removing > removingContainer')
      .resolves()
      .at('evaluating > done')
      .ends('succeeded', { exitCode: 0 });
  }),
  scenario('a cancel while the removal backs off keeps the outcome and the wait', agent => {
    reach
      .removingContainer(agent)
      .fails('transient')
      .at('backingOff')
      .stays({ type: 'CANCEL', reason: 'requested' });
    agent.resolves().at('removing > removingContainer').given({ cancelled: true }).resolves();
    agent.at('evaluating > done').ends('succeeded', { exitCode: 0, emitted: ['succeeded', 'succeeded'] });
  }),
  scenario('a kill while reading backs off removes the container at once', agent =>
    reach
      .reading(agent)
      .fails('transient')
      .at('backingOff')
      .kill()
      .at('removing > removingContainer')
      .resolves()
      .at('evaluating > done')
      .ends('cancelled'),
  ),
  scenario(
    'a kill while the container is removed keeps the outcome and prevents another attempt',
    agent =>
      reach
        .reading(agent)
        .resolves(collected(1))
        .at('removing > removingContainer')
        .stays({ type: 'KILL' })
        .fails('transient')
        .at('backingOff')
        .resolves()
        .at('removing > removingContainer')
        .given({ cancelled: true })
        .resolves()
        .at('evaluating > done')
        .ends('failed', { kind: 'exit', exitCode: 1, emitted: ['failed', 'failed'] }),
    { retries: 2 },
  ),
  ...(['cancel', 'kill'] as const).map(how =>
    scenario(
      `a ${how} between two attempts ends the agent and emits no attempt twice`,
      agent =>
        reach
          .retrying(agent)
          [how]()
          .at('done')
          .ends('cancelled', { attempts: ['failed'], emitted: ['failed'] }),
      { retries: 1 },
    ),
  ),
  scenario(
    'a cancelled agent is not retried, whatever its end record',
    agent => {
      advance(agent, 'running')
        .cancel()
        .at('stopping > interrupting')
        .resolves(died(1))
        .at('collecting > reading');
      agent
        .resolves(collected(1))
        .at('removing > removingContainer')
        .resolves()
        .at('evaluating > done')
        .ends('cancelled');
    },
    { retries: 3 },
  ),
  scenario('a failed agent that is cancelled during its cleanup stays failed', agent => {
    advance(agent, 'injecting').fails('image').at('stopping > interrupting').cancel();
    agent.at('stopping > interrupting').resolves(died()).at('collecting > reading').resolves(collected(0));
    agent
      .at('removing > removingContainer')
      .resolves()
      .at('evaluating > done')
      .ends('failed', { kind: 'image', phase: 'injecting' });
  }),
];
