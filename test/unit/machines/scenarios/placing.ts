import { backOffDelay, maxTries } from '../../../../machines/agent-delays.ts';
import type { AgentInput } from '../../../../machines/agent-types.ts';
import type { Walk } from '../walk.ts';
import {
  advance,
  collected,
  decision,
  died,
  finish,
  pending,
  quotaExhausted,
  reach,
  type Scenario,
  scenario,
} from './story.ts';

const atEnd = { exitCode: 0, containerId: 'container-1', image: 'image-1' };
const isScheduled = { isScheduled: true };

/** A scenario of an agent whose hosts a scheduler chooses. */
const scheduled = (title: string, run: (agent: Walk) => void, input: Partial<AgentInput> = {}) =>
  scenario(title, run, { ...isScheduled, ...input });

/** Let an agent that has been placed run, end, and release its room. */
const runs = (agent: Walk, code = 0) =>
  finish(
    advance(agent.resolves(), 'running', 'building'),
    collected(code),
    'evaluating > releasing',
  ).resolves();

const withoutContainer = 'stopping > collecting > removing > evaluating > releasing';

/** `placing` and `placing.pending` have the same transitions out. */
const fromBoth: readonly Scenario[] = (['placing', 'pending'] as const).flatMap(place => [
  scheduled(`an agent that is ${place} is built once it has a host`, agent => {
    runs(reach[place](agent)).at('done').ends('succeeded', atEnd);
  }),
  scheduled(`a transient error while ${place} has the attempt placed again`, agent => {
    reach[place](agent).fails('transient').at('backingOff').given({ at: 1_100 }).resolves();
    runs(agent.at('placing').given({ attempt: 1 }))
      .at('done')
      .ends('succeeded', atEnd);
  }),
  scheduled(`an engine that becomes unreachable while ${place} is waited for`, agent => {
    reach[place](agent).fails('unreachable', { inDoubt: true }).at('engineUnreachable');
    agent.given({ inDoubt: true }).resolves();
    runs(reach.placing(agent)).at('done').ends('succeeded', atEnd);
  }),
  scheduled(`an attempt that cannot be placed (${place}) fails, and releases what it has`, agent => {
    reach[place](agent).fails('nameConflict').at(withoutContainer).resolves().at('done');
    agent.ends('failed', { kind: 'nameConflict', phase: 'placing', containerId: null });
  }),
  scheduled(
    `a cancel while ${place} releases the room and starts nothing`,
    agent => {
      reach[place](agent).cancel().at(withoutContainer).given({ cancelled: true }).resolves().at('done');
      agent.ends('cancelled', { containerId: null });
    },
    { retries: 2 },
  ),
  scheduled(
    `a kill while ${place} releases the room and starts nothing`,
    agent => {
      reach[place](agent).kill().at('removing > evaluating > releasing').given({ cancelled: true });
      agent.resolves().at('done').ends('cancelled', { containerId: null });
    },
    { retries: 2 },
  ),
  ...(['cancel', 'kill'] as const).map(how =>
    scheduled(`a ${how} while ${place} backs off ends the wait`, agent => {
      reach[place](agent).fails('transient').at('backingOff')[how]();
      agent.at(how === 'kill' ? 'removing > evaluating > releasing' : withoutContainer).resolves();
      agent.at('done').ends('cancelled');
    }),
  ),
]);

const tries: readonly Scenario[] = [
  scheduled('placing that keeps failing runs out of tries after growing backoffs', agent => {
    reach.placing(agent);
    for (let failures = 1; failures < maxTries; failures++)
      agent
        .fails('transient', { at: failures })
        .at('backingOff')
        .given({ at: failures + backOffDelay(failures) })
        .resolves()
        .at('placing');
    agent.fails('transient').at(withoutContainer).resolves().at('done');
    agent.ends('failed', { kind: 'transient', phase: 'placing' });
  }),
  scheduled('placing is tried again as well if the clock fails', agent => {
    reach.placing(agent).fails('transient').at('backingOff').throws(new Error('no clock'));
    runs(agent.at('placing')).at('done').ends('succeeded', atEnd);
  }),
  scheduled('failed tries of placing do not count for building', agent => {
    reach.placing(agent).fails('transient').at('backingOff').resolves().at('placing').resolves();
    agent.at('building').fails('transient').at('backingOff').given({ at: 1_100 }).resolves();
    finish(advance(agent, 'running', 'building'), collected(0), 'evaluating > releasing').resolves();
    agent.at('done').ends('succeeded', atEnd);
  }),
];

const releasing: readonly Scenario[] = [
  scheduled('every reason of a wait for a host enters pending again', agent => {
    reach.pending(agent).sends(pending('no node fits')).at('pending').sends(pending('no leader'));
    runs(agent.at('pending')).at('done').ends('succeeded', atEnd);
  }),
  scheduled(
    'the room is released before the delay of the next attempt, which is placed anew',
    agent => {
      reach.releasing(agent).given({ attempt: 1 }).resolves().at('retrying').given({ at: 10_000 }).resolves();
      agent.at('placing').given({ attempt: 2, containerId: null, injectedAt: null });
      runs(agent).at('done');
      agent.ends('succeeded', { ...atEnd, attempts: ['failed', 'succeeded'] });
    },
    { retries: 1 },
  ),
  scheduled(
    'a room that cannot be released does not block the next attempt',
    agent => {
      reach.releasing(agent).fails('unreachable').at('retrying').given({ at: 10_000 });
      agent.throws(new Error('no clock'));
      runs(agent.at('placing').given({ attempt: 2 })).at('done');
      agent.ends('succeeded', { ...atEnd, attempts: ['failed', 'succeeded'] });
    },
    { retries: 1 },
  ),
  scheduled('a room that cannot be released leaves the outcome as it is', agent => {
    reach.releasing(agent).fails('docker').at('done').ends('failed', { exitCode: 1, kind: 'exit' });
  }),
  ...(['resolves', 'fails'] as const).flatMap(release => [
    scheduled(`an agent whose release ${release} waits for its quota, and is placed anew`, agent => {
      finish(advance(agent, 'running'), quotaExhausted(60_000), 'evaluating > releasing');
      (release === 'fails' ? agent.fails('transient') : agent.resolves()).at('waitingForQuota');
      if (release === 'fails') agent.given({ at: 60_000 }).throws(new Error('no clock'));
      else agent.given({ at: 60_000 }).resolves();
      runs(agent.at('placing').given({ attempt: 2 })).at('done');
      agent.ends('succeeded', { ...atEnd, attempts: ['failed', 'succeeded'] });
    }),
  ]),
  ...(['CANCEL', 'KILL'] as const).map(type =>
    scheduled(
      `a ${type} while the room is released keeps the outcome and prevents another attempt`,
      agent => {
        reach.releasing(agent).stays({ type, reason: 'enough' }).resolves().at('done');
        agent.ends('failed', { exitCode: 1, kind: 'exit' });
      },
      { retries: 2 },
    ),
  ),
];

const reconciled: readonly Scenario[] = [
  scheduled('a later attempt of a resumed agent is placed', agent => {
    agent.at('reconciling').resolves(decision('placing', { attempt: 3 }));
    runs(agent.at('placing').given({ attempt: 3 }))
      .at('done')
      .ends('succeeded', atEnd);
  }),
  scheduled(
    'an agent that is cancelled before it enters at placing is not placed',
    agent => {
      agent.at('reconciling').stays({ type: 'CANCEL', reason: 'enough' }).resolves(decision('placing'));
      agent.at(withoutContainer).given({ cancelled: true }).resolves().at('done').ends('cancelled');
    },
    { retries: 2 },
  ),
  scheduled('a create that was requested is made on the host of its attempt', agent => {
    agent.at('reconciling').resolves(decision('building', { inDoubt: true }));
    finish(advance(agent, 'running', 'building'), collected(0), 'evaluating > releasing').resolves();
    agent.at('done').ends('succeeded', atEnd);
  }),
  scheduled('the room of an agent that ended while no supervisor ran is released', agent => {
    const known = { containerId: 'container-9', started: true, end: died() };
    agent.at('reconciling').resolves(decision('collecting', known)).at('collecting > reading');
    agent.resolves(collected(0)).at('removing > removingContainer').resolves();
    agent.at('evaluating > releasing').given({ containerId: 'container-9' }).resolves();
    agent.at('done').ends('succeeded', { exitCode: 0 });
  }),
];

export const placingScenarios: readonly Scenario[] = [...fromBoth, ...tries, ...releasing, ...reconciled];
