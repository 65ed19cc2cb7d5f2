import type { AgentInput } from '../../../../machines/agent-types.ts';
import type { Walk } from '../walk.ts';
import { advance, badOutput, collected, finish, passedCheck, type Scenario, scenario } from './story.ts';

/** Run the next attempt from `building` up to this result. */
const again = (agent: Walk, result: unknown, last: string, attempt = 2) => {
  agent.given({ attempt, round: 1, containerId: null, injectedAt: null });
  agent.resolves({ image: 'image-1' });
  return finish(advance(agent, 'running', 'networking'), result, last);
};

const begun = (agent: Walk, last = 'evaluating > building') =>
  finish(advance(agent, 'running'), badOutput(true), last);

const corrected = (title: string, run: (agent: Walk) => void, input: Partial<AgentInput> = {}) =>
  scenario(title, run, input);

export const correctionScenarios: readonly Scenario[] = [
  corrected('an output that does not count is corrected at once, which uses up no retry', agent => {
    again(begun(agent), collected(0), 'evaluating > done');
    agent.ends('succeeded', { exitCode: 0, attempts: ['failed', 'succeeded'] });
  }),
  corrected('an output is corrected once', agent => {
    again(begun(agent), badOutput(true), 'evaluating > done');
    agent.ends('failed', { exitCode: 0, kind: 'output', attempts: ['failed', 'failed'] });
  }),
  corrected(
    'a correction that fails is retried, as often as without it',
    agent => {
      again(begun(agent), badOutput(true), 'evaluating > retrying').resolves().at('building');
      again(agent, collected(1), 'evaluating > done', 3);
      agent.ends('failed', { exitCode: 1, kind: 'exit', attempts: ['failed', 'failed', 'failed'] });
    },
    { retries: 1 },
  ),
  corrected('an output that cannot be corrected is not', agent => {
    finish(advance(agent, 'running'), badOutput(false), 'evaluating > done');
    agent.ends('failed', { exitCode: 0, kind: 'output', attempts: ['failed'] });
  }),
  corrected(
    'a corrected output is followed by the check of the same round',
    agent => {
      again(begun(agent), collected(0), 'evaluating > checking').given({ round: 1 }).resolves(passedCheck);
      agent.ends('succeeded', { exitCode: 0, attempts: ['failed', 'succeeded'] });
    },
    { check: { rounds: 2 } },
  ),
  corrected('an agent that is cancelled corrects nothing', agent => {
    begun(agent, 'evaluating > building').sends({ type: 'KILL' }).at('removing > evaluating > done');
    agent.ends('cancelled', { attempts: ['failed', 'cancelled'] });
  }),
  corrected(
    'a correction is placed anew',
    agent => {
      begun(agent, 'evaluating > releasing').resolves().at('placing').resolves().at('building');
      again(agent, collected(0), 'evaluating > releasing').resolves().at('done');
      agent.ends('succeeded', { exitCode: 0, attempts: ['failed', 'succeeded'] });
    },
    { isScheduled: true },
  ),
  corrected(
    'a correction is placed, also if the room of the attempt before could not be released',
    agent => {
      begun(agent, 'evaluating > releasing')
        .throws(new Error('gone'))
        .at('placing')
        .resolves()
        .at('building');
      again(agent, collected(0), 'evaluating > releasing').resolves().at('done');
      agent.ends('succeeded', { exitCode: 0, attempts: ['failed', 'succeeded'] });
    },
    { isScheduled: true },
  ),
];
