import { type Place, type Walk, workers } from '../walk.ts';
import { decision, died, reach, type Scenario, scenario } from './story.ts';

/** Ids of the actors that share the source `waitUntil`. */
const sharedSourceIds: Partial<Record<Place, string>> = {
  backingOff: 'backOff',
  retrying: 'retry',
  waitingForQuota: 'quota',
};
const idAt = (place: Place) => sharedSourceIds[place] ?? workers[place];
const ids = [...new Set((Object.keys(workers) as Place[]).map(idAt))];

/** Send every state late events of every actor that is not invoked there. */
export const lateScenarios: readonly Scenario[] = (Object.keys(workers) as Place[]).map(place =>
  scenario(
    `late results of other actors are ignored while ${place}`,
    agent => {
      reach[place](agent);
      for (const id of ids.filter(id => id !== idAt(place))) {
        agent.ignores({
          type: `xstate.done.actor.${id}`,
          output: id === 'reconcile' ? decision('done') : died(),
        });
      }
      for (const type of ['OUTPUT', 'IDLE', 'NEEDS_INPUT'].filter(
        () => !['running', 'idle', 'needsInput'].includes(place),
      ))
        agent.ignores({ type });
      if (!isPlacing(place)) agent.ignores({ type: 'PENDING', reason: 'late' });
      if (place === 'removingContainer')
        agent.resolves().at('evaluating > done').ends('succeeded', { exitCode: 0 });
      else if (place === 'retrying' || place === 'waitingForQuota')
        agent
          .kill()
          .at('done')
          .ends('cancelled', { attempts: ['failed'] });
      else if (place === 'releasing')
        agent.stays({ type: 'KILL' }).resolves().at('done').ends('failed', { kind: 'exit', exitCode: 1 });
      else if (place === 'checking')
        agent
          .kill()
          .at('evaluating > done')
          .ends('cancelled', { attempts: ['succeeded'] });
      else endsByKill(agent.kill(), place);
    },
    {
      ...{ retries: 1, isScheduled: place === 'releasing' },
      ...(place === 'checking' && { check: { rounds: 2 } }),
    },
  ),
);

const isPlacing = (place: Place) => place === 'placing' || place === 'pending';

function endsByKill(agent: Walk, place: Place) {
  const withoutContainer: readonly Place[] = [
    'reconciling',
    'placing',
    'pending',
    'building',
    'networking',
    'backingOff',
    'engineUnreachable',
  ];
  const stopping: readonly Place[] = ['interrupting', 'terminating', 'stoppingContainer', 'killing'];
  if (withoutContainer.includes(place)) agent.at('removing > evaluating > done');
  else agent.at('removing > removingContainer').resolves().at('evaluating > done');
  if (stopping.includes(place)) agent.ends('timedOut', { kind: 'timeout' });
  else agent.ends('cancelled');
}
