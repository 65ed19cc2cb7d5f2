import { backOffDelay, maxTries } from '../../../../machines/agent-delays.ts';
import type { AgentInput } from '../../../../machines/agent-types.ts';
import type { CheckResult } from '../../../../machines/check.ts';
import type { Walk } from '../walk.ts';
import {
  advance,
  collected,
  decision,
  died,
  failedCheck,
  finish,
  passedCheck,
  reach,
  type Scenario,
  scenario,
} from './story.ts';

const check = { rounds: 3 };
const timedOut: CheckResult = { status: 'timedOut', exitCode: null, reason: 'it ran past its limit' };
const succeeded = { status: 'succeeded', exitCode: 0, error: null } as const;

/** A scenario of an agent whose work is checked. */
const checked = (title: string, run: (agent: Walk) => void, input: Partial<AgentInput> = {}) =>
  scenario(title, run, { check, ...input });

/** Begin another round after a check that did not pass, and let it run up to its check. */
const nextRound = (agent: Walk, round: number, attempt = round) => {
  agent.at('evaluating > building').given({ attempt, round, containerId: null, injectedAt: null });
  agent.resolves({ image: 'image-1' });
  return finish(advance(agent, 'running', 'networking'), collected(0), 'evaluating > checking');
};

const rounds: readonly Scenario[] = [
  checked('an agent succeeds when its work passes its check', agent => {
    reach.checking(agent).given({ attempt: 1, round: 1 }).resolves(passedCheck).at('evaluating > done');
    agent.ends('succeeded', { exitCode: 0, containerId: 'container-1' });
  }),
  checked('work that does not pass begins another round, until the last one', agent => {
    nextRound(reach.checking(agent).resolves(failedCheck), 2).given({ attempt: 2, round: 2 });
    nextRound(agent.resolves(timedOut), 3).resolves(failedCheck).at('evaluating > done');
    agent.ends('failed', {
      exitCode: 0,
      kind: 'check',
      phase: 'checking',
      message: /in round 3 of 3: it exited with 1/,
      attempts: ['succeeded', 'succeeded', 'succeeded'],
    });
  }),
  checked('an agent succeeds when its work passes in a later round', agent => {
    nextRound(reach.checking(agent).resolves(failedCheck), 2).resolves(passedCheck).at('evaluating > done');
    agent.ends('succeeded', { exitCode: 0, attempts: ['succeeded', 'succeeded'] });
  }),
  checked(
    'a check with one round only judges',
    agent => {
      reach.checking(agent).resolves(failedCheck).at('evaluating > done');
      agent.ends('failed', { exitCode: 0, kind: 'check', message: /pass: it/, attempts: ['succeeded'] });
    },
    { check: { rounds: 1 }, retries: 2 },
  ),
  checked('an agent that fails is not checked', agent =>
    finish(advance(agent, 'running'), collected(1)).ends('failed', { exitCode: 1, kind: 'exit' }),
  ),
  checked(
    'a retry of a failed attempt keeps the round, and rounds use up no retry',
    agent => {
      reach.checking(agent).resolves(failedCheck).at('evaluating > building').given({ round: 2 });
      agent.resolves({ image: 'image-1' });
      finish(advance(agent, 'running', 'networking'), collected(1), 'evaluating > retrying').resolves();
      agent.at('building').given({ attempt: 3, round: 2 });
      finish(advance(agent.resolves({ image: 'image-1' }), 'running', 'networking'), collected(1));
      agent.ends('failed', { exitCode: 1, kind: 'exit', attempts: ['succeeded', 'failed', 'failed'] });
    },
    { retries: 1 },
  ),
  checked(
    'the room of an agent is kept for its check, and another round is placed anew',
    agent => {
      reach.checking(agent).resolves(failedCheck).at('evaluating > releasing').given({ attempt: 1 });
      agent.resolves().at('placing').given({ attempt: 2, round: 2 }).resolves();
      finish(advance(agent, 'running', 'building'), collected(0), 'evaluating > checking');
      agent.resolves(failedCheck).at('evaluating > releasing').fails('docker').at('placing');
      finish(advance(agent.resolves(), 'running', 'building'), collected(0), 'evaluating > checking');
      agent.resolves(passedCheck).at('evaluating > releasing').resolves().at('done');
      agent.ends('succeeded', { exitCode: 0, attempts: ['succeeded', 'succeeded', 'succeeded'] });
    },
    { isScheduled: true },
  ),
];

const errors: readonly Scenario[] = [
  checked('a transient error has the check tried again', agent => {
    reach.checking(agent).fails('transient').at('backingOff').given({ at: 1_100 }).resolves();
    agent.at('checking').fails('transient', { at: 2_000 }).at('backingOff').given({ at: 2_200 });
    agent.throws(new Error('no clock')).at('checking').given({ attempt: 1, round: 1 });
    agent.resolves(passedCheck).at('evaluating > done').ends('succeeded', { exitCode: 0 });
  }),
  checked(
    'a check that cannot be run says nothing about the work: the agent fails without another attempt',
    agent => {
      reach.checking(agent);
      for (let failures = 1; failures < maxTries; failures++)
        agent
          .fails('transient', { at: failures })
          .at('backingOff')
          .given({ at: failures + backOffDelay(failures) })
          .resolves()
          .at('checking');
      agent.fails('infrastructure').at('evaluating > done');
      agent.ends('failed', {
        exitCode: 0,
        kind: 'infrastructure',
        phase: 'checking',
        message: /could not be run/,
        attempts: ['succeeded'],
      });
    },
    { retries: 2 },
  ),
  checked('an engine that becomes unreachable during a check is waited for', agent => {
    reach.checking(agent).fails('unreachable').at('engineUnreachable').resolves();
    agent
      .at('reconciling')
      .resolves(decision('checking', { outcome: succeeded, containerId: 'container-1' }));
    agent.at('checking').resolves(passedCheck).at('evaluating > done');
    agent.ends('succeeded', { exitCode: 0 });
  }),
  checked('a check waits for the secrets that its output could contain', agent => {
    reach.checking(agent).fails('missingSecret').at('waitingForSecrets').resolves().at('checking');
    agent.resolves(passedCheck).at('evaluating > done').ends('succeeded', { exitCode: 0 });
  }),
  checked('a check whose secrets cannot be waited for could not be run', agent => {
    reach.checking(agent).fails('missingSecret').at('waitingForSecrets').fails('internal');
    agent
      .at('evaluating > done')
      .ends('failed', { exitCode: 0, kind: 'internal', phase: 'checking', attempts: ['succeeded'] });
  }),
];

const cancelled = { attempts: ['succeeded'] as const };

const cancels: readonly Scenario[] = (['cancel', 'kill'] as const).flatMap(how => [
  checked(`a ${how} during a check ends the agent`, agent => {
    reach.checking(agent)[how]().at('evaluating > done').ends('cancelled', cancelled);
  }),
  checked(`a ${how} while the check backs off ends the agent`, agent => {
    reach.checking(agent).fails('transient').at('backingOff')[how]().at('evaluating > done');
    agent.ends('cancelled', cancelled);
  }),
  checked(`a ${how} while the engine of the check is unreachable ends the agent`, agent => {
    reach.checking(agent).fails('unreachable').at('engineUnreachable')[how]().at('evaluating > done');
    agent.ends('cancelled', cancelled);
  }),
  checked(`a ${how} while the check waits for a secret ends the agent`, agent => {
    reach.checking(agent).fails('missingSecret').at('waitingForSecrets')[how]().at('evaluating > done');
    agent.ends('cancelled', cancelled);
  }),
]);

const others: readonly Scenario[] = [
  checked('work that was not checked has not succeeded when its agent is cancelled', agent => {
    reach.reading(agent).stays({ type: 'CANCEL', reason: 'enough' });
    agent.resolves(collected(0)).at('removing > removingContainer').resolves().at('evaluating > done');
    agent.ends('cancelled', { attempts: ['cancelled'], emitted: ['succeeded'] });
  }),
  checked(
    'a cancel while the room is released prevents another round',
    agent => {
      reach.checking(agent).resolves(failedCheck).at('evaluating > releasing');
      agent.stays({ type: 'CANCEL', reason: 'enough' }).resolves().at('done');
      agent.ends('failed', { exitCode: 0, kind: 'check', attempts: ['succeeded'] });
    },
    { isScheduled: true },
  ),
  checked('a resumed agent is checked in its round', agent => {
    const attempts = [1, 2].map(attempt => ({ attempt, containerId: 'c', ...succeeded }));
    const known = { attempt: 2, round: 2, attempts, outcome: succeeded, end: died(), checkResult: null };
    agent.at('reconciling').resolves(decision('checking', known)).at('checking');
    agent.given({ attempt: 2, round: 2 }).resolves(failedCheck);
    nextRound(agent, 3).resolves(passedCheck).at('evaluating > done');
    agent.ends('succeeded', {
      exitCode: 0,
      attempts: ['succeeded', 'succeeded', 'succeeded'],
      emitted: ['succeeded'],
    });
  }),
  checked('an agent that is cancelled before it enters its check is not checked', agent => {
    agent.at('reconciling').stays({ type: 'CANCEL', reason: 'enough' });
    agent.resolves(decision('checking', { outcome: succeeded })).at('done');
    agent.ends('cancelled', { attempts: [] });
  }),
];

export const checkScenarios: readonly Scenario[] = [...rounds, ...errors, ...cancels, ...others];
