import type { Outcome } from '../../../../machines/outcome.ts';
import type { Place, Walk } from '../walk.ts';
import {
  answerOf,
  decision,
  died,
  goesUp,
  isLive,
  leaves,
  reach,
  type Scenario,
  said,
  saidNothing,
  scenario,
  startup,
} from './story.ts';

const rungs = ['interrupting', 'terminating', 'stoppingContainer', 'killing'] as const;

/** After the escalation. */
const afterwards = (agent: Walk) =>
  agent
    .at('collecting > reading')
    .resolves(said(0))
    .at('removing > removingContainer')
    .resolves()
    .at('evaluating > done');
const overdue = { kind: 'timeout', phase: 'running' } as const;

const ladder: readonly Scenario[] = [
  ...rungs.map(rung =>
    scenario(`a container that ends on ${rung} is not escalated further`, agent =>
      afterwards(reach[rung](agent).resolves(died(143))).ends('timedOut', overdue),
    ),
  ),
  ...rungs.slice(0, -1).map((rung, index) =>
    scenario(`${rung} that fails hands over to the next step`, agent =>
      afterwards(
        reach[rung](agent)
          .fails('docker')
          .at(rungs[index + 1]!)
          .resolves(died()),
      ).ends('timedOut', overdue),
    ),
  ),
  scenario('a container that survives the whole escalation is removed by force', agent =>
    afterwards(reach.killing(agent).resolves(null)).ends('timedOut', overdue),
  ),
  scenario(
    'a container that survives the whole escalation is removed, though it was to be kept',
    agent => afterwards(reach.killing(agent).resolves(null)).ends('timedOut', overdue),
    { keep: 'always' },
  ),
  scenario('a kill that fails does not hold up the removal', agent =>
    afterwards(reach.killing(agent).fails('unreachable')).ends('timedOut', overdue),
  ),
  ...rungs.map(rung =>
    scenario(`a second cancel while ${rung} starts the escalation again`, agent => {
      goesUp(agent, 'running').cancel().at('stopping > interrupting').given({ cancelled: true });
      for (const next of rungs.slice(1, rungs.indexOf(rung) + 1)) agent.resolves(null).at(next);
      agent.cancel().at('stopping > interrupting').given({ cancelled: true }).resolves(died());
      afterwards(agent).ends('cancelled');
    }),
  ),
  scenario(
    'a cancel of an agent that is stopped for its limit starts the escalation again, and keeps its outcome',
    agent => {
      reach.terminating(agent).given({ cancelled: false }).cancel();
      agent.at('stopping > interrupting').given({ cancelled: true }).resolves(died());
      afterwards(agent).ends('timedOut', overdue);
    },
  ),
  scenario('an end that a step caused decides the outcome', agent => {
    goesUp(agent, 'running').fails('unreachable').at('engineUnreachable').resolves().at('reconciling');
    agent.resolves(decision('stopping', { containerId: 'container-1', started: true }));
    agent
      .at('stopping > interrupting')
      .resolves(died(137, { oomKilled: true }))
      .at('collecting > reading');
    agent.resolves(saidNothing).at('removing > removingContainer').resolves().at('evaluating > done');
    agent.ends('failed', { kind: 'outOfMemory', exitCode: 137 });
  }),
  ...(['terminating', 'stoppingContainer', 'killing'] as const).map(rung =>
    scenario(`an end that came while ${rung} decides the outcome`, agent => {
      agent.at('reconciling').resolves(decision('stopping', { containerId: 'container-1', started: true }));
      agent.at('stopping > interrupting');
      for (const next of rungs.slice(1, rungs.indexOf(rung) + 1)) agent.resolves(null).at(next);
      agent
        .resolves(died(137, { oomKilled: true }))
        .at('collecting > reading')
        .resolves(saidNothing);
      agent.at('removing > removingContainer').resolves().at('evaluating > done');
      agent.ends('failed', { kind: 'outOfMemory', exitCode: 137 });
    }),
  ),
  scenario('a container that has ended is not stopped', agent => {
    agent.at('reconciling').resolves(decision('stopping', { containerId: 'c', started: true, end: died(1) }));
    agent
      .at('stopping > collecting > reading')
      .resolves(said(1))
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

const cancel = { type: 'CANCEL', reason: 'asked to' } as const;
const found = { containerId: 'container-9', image: 'image-9' } as const;

/** The agent is reconciled all the same: its container must be stopped, read and removed. */
const cancelWhileDeciding: readonly Scenario[] = [
  ...(['running', 'waitingForTmux'] as const).map(entry =>
    scenario(
      `an agent that is cancelled before it is found at ${entry} is stopped, and its transcript read`,
      agent => {
        agent
          .at('reconciling')
          .stays(cancel)
          .resolves(decision(entry, { ...found, started: true }));
        agent.at('stopping > interrupting').given({ cancelled: true, containerId: 'container-9' });
        agent
          .resolves(died(130))
          .at('collecting > reading')
          .resolves(said(130))
          .at('removing > removingContainer')
          .resolves();
        agent.at('evaluating > done').ends('cancelled', found);
      },
      { retries: 2 },
    ),
  ),
  scenario('an agent that is cancelled before its container is found, never started, is removed', agent => {
    agent.at('reconciling').stays(cancel).resolves(decision('starting', found));
    agent
      .at('stopping > collecting > removing > removingContainer')
      .given({ cancelled: true, containerId: 'container-9' });
    agent.resolves().at('evaluating > done').ends('cancelled', found);
  }),
  scenario(
    'an agent that has ended before it was cancelled keeps its outcome, and is not retried',
    agent => {
      agent
        .at('reconciling')
        .stays(cancel)
        .resolves(decision('collecting', { ...found, started: true, end: died(1) }));
      agent.at('collecting > reading').given({ cancelled: true }).resolves(said(1));
      agent.at('removing > removingContainer').given({ cancelled: true }).resolves();
      agent.at('evaluating > done').ends('failed', { kind: 'exit', exitCode: 1 });
    },
    { retries: 2 },
  ),
  scenario(
    'an agent that is cancelled before it is found between two attempts gets no other one',
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
    scenario(`an agent that is cancelled while reconciling fails (${kind}) waits for nothing`, agent => {
      agent.at('reconciling').stays(cancel).fails(kind);
      agent.at('stopping > collecting > removing > evaluating > done').ends('cancelled');
    }),
  ),
];

const cancelOnTheWay: readonly Scenario[] = startup.flatMap(step => [
  scenario(
    `a cancel while ${step} stops what there is, and removes it`,
    agent => {
      if (step === 'reconciling') reach[step](agent).stays(cancel).resolves(answerOf.get(step));
      else reach[step](agent).cancel();
      if (step === 'creating')
        agent
          .at('stopping > collecting > removing > removingContainer')
          .given({ inDoubt: true, cancelled: true })
          .resolves()
          .at('evaluating > done');
      else leaves(agent, step);
      agent.ends('cancelled');
    },
    { retries: 2, keep: 'always' },
  ),
  scenario(
    `a kill while ${step} removes at once what there is`,
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
  ['idle', 'needsInput', ...rungs, 'reading'] as const satisfies readonly Place[]
).map(place =>
  scenario(
    `a kill while ${place} removes at once`,
    agent => {
      const isRung = (rungs as readonly string[]).includes(place);
      reach[place](agent)
        .kill()
        .at('removing > removingContainer')
        .given({ cancelled: true })
        .resolves()
        .at('evaluating > done');
      if (isRung) agent.ends('timedOut', overdue);
      else agent.ends('cancelled');
    },
    { retries: 2 },
  ),
);

export const stopScenarios: readonly Scenario[] = [
  ...ladder,
  ...cancelWhileDeciding,
  ...cancelOnTheWay,
  ...kills,
  ...(['idle', 'needsInput'] as const).map(place =>
    scenario(`a cancel while ${place} stops the agent`, agent =>
      leaves(reach[place](agent).cancel(), 'running').ends('cancelled'),
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
      else leaves(agent, step);
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
    'a cancel while the engine is unreachable gives up the container',
    agent => {
      goesUp(agent, 'running').fails('unreachable').at('engineUnreachable').cancel();
      for (const rung of ['stopping > interrupting', 'terminating', 'stoppingContainer', 'killing'])
        agent.at(rung).given({ cancelled: true }).fails('unreachable');
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
    goesUp(agent, 'running')
      .fails('unreachable')
      .at('engineUnreachable')
      .kill()
      .at('removing > removingContainer')
      .resolves()
      .at('evaluating > done')
      .ends('cancelled'),
  ),
  scenario('a cancel while the transcript is read changes neither that nor the outcome', agent =>
    reach
      .reading(agent)
      .stays({ type: 'CANCEL', reason: 'asked to' })
      .resolves(said(0))
      .at('removing > removingContainer')
      .given({ cancelled: true })
      .resolves()
      .at('evaluating > done')
      .ends('succeeded', { exitCode: 0 }),
  ),
  scenario(
    'a cancel while the container is removed keeps the outcome and forbids another attempt',
    agent =>
      reach
        .reading(agent)
        .resolves(said(1))
        .at('removing > removingContainer')
        .stays({ type: 'CANCEL', reason: 'asked to' })
        .resolves()
        .at('evaluating > done')
        .ends('failed', { kind: 'exit', exitCode: 1 }),
    { retries: 2 },
  ),
  scenario('a cancel while the reading backs off keeps the outcome and the wait', agent => {
    reach.reading(agent).fails('transient').at('backingOff').stays({ type: 'CANCEL', reason: 'asked to' });
    agent.resolves().at('collecting > reading').given({ cancelled: true }).resolves(said(0));
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
      .stays({ type: 'CANCEL', reason: 'asked to' });
    agent.resolves().at('removing > removingContainer').given({ cancelled: true }).resolves();
    agent.at('evaluating > done').ends('succeeded', { exitCode: 0, emitted: ['succeeded', 'succeeded'] });
  }),
  scenario('a kill while the reading backs off removes at once', agent =>
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
    'a kill while the container is removed keeps the outcome and forbids another attempt',
    agent =>
      reach
        .reading(agent)
        .resolves(said(1))
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
      `a ${how} between two attempts ends the agent, and emits no attempt again`,
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
      goesUp(agent, 'running')
        .cancel()
        .at('stopping > interrupting')
        .resolves(died(1))
        .at('collecting > reading');
      agent
        .resolves(said(1))
        .at('removing > removingContainer')
        .resolves()
        .at('evaluating > done')
        .ends('cancelled');
    },
    { retries: 3 },
  ),
  scenario('an agent that is cleaned up after its own failure stays failed when it is cancelled', agent => {
    goesUp(agent, 'injecting').fails('image').at('stopping > interrupting').cancel();
    agent.at('stopping > interrupting').resolves(died()).at('collecting > reading').resolves(said(0));
    agent
      .at('removing > removingContainer')
      .resolves()
      .at('evaluating > done')
      .ends('failed', { kind: 'image', phase: 'injecting' });
  }),
];
