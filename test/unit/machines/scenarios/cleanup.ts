import { maxTries } from '../../../../machines/agent-delays.ts';
import type { AgentInput } from '../../../../machines/agent-types.ts';
import type { Status } from '../../../../machines/outcome.ts';
import type { Ending, Walk } from '../walk.ts';
import {
  advance,
  collected,
  collectedNothing,
  decision,
  died,
  reach,
  type Scenario,
  scenario,
} from './story.ts';

const kept = (agent: Walk, code: number) =>
  reach.reading(agent).resolves(collected(code)).at('removing > evaluating > done');
const removed = (agent: Walk, code: number) =>
  reach
    .reading(agent)
    .resolves(collected(code))
    .at('removing > removingContainer')
    .resolves()
    .at('evaluating > done');
const ended = (code: number): [Status, Ending] =>
  code === 0 ? ['succeeded', { exitCode: 0 }] : ['failed', { exitCode: code, kind: 'exit' }];

const keeping: readonly (readonly [AgentInput['keep'], number, typeof kept])[] = [
  ['never', 0, removed],
  ['never', 1, removed],
  ['on-failure', 0, removed],
  ['on-failure', 1, kept],
  ['always', 0, kept],
  ['always', 1, kept],
];

export const cleanupScenarios: readonly Scenario[] = [
  ...keeping.map(([keep, code, then]) =>
    scenario(
      `with keep "${keep}", the container of an agent that exited with ${code} is ${then.name}`,
      agent => then(agent, code).ends(...ended(code)),
      { keep },
    ),
  ),
  scenario(
    'a container that needed a second start is kept as well',
    agent => {
      advance(agent, 'starting').fails('transient', { inDoubt: true }).at('backingOff').resolves();
      advance(agent, 'running', 'starting')
        .resolves(died())
        .at('stopping > collecting > reading')
        .resolves(collected(0));
      agent.at('removing > evaluating > done').ends('succeeded', { exitCode: 0 });
    },
    { keep: 'always' },
  ),
  scenario(
    'a container whose last call is in doubt is not kept',
    agent => {
      advance(agent, 'starting')
        .fails('docker', { inDoubt: true })
        .at('stopping > interrupting')
        .resolves(null);
      agent
        .at('terminating')
        .resolves(null)
        .at('stoppingContainer')
        .resolves(null)
        .at('killing')
        .resolves(null);
      agent
        .at('collecting > reading')
        .resolves(collectedNothing)
        .at('removing > removingContainer')
        .given({ inDoubt: true });
      agent.resolves().at('evaluating > done').ends('failed', { kind: 'docker' });
    },
    { keep: 'always' },
  ),
  scenario(
    'an agent without a container has nothing to keep',
    agent =>
      advance(agent, 'building')
        .fails('image')
        .at('stopping > collecting > removing > evaluating > done')
        .ends('failed', { kind: 'image' }),
    { keep: 'always' },
  ),
  scenario('a container that was removed from outside has no transcript', agent => {
    advance(agent, 'running')
      .resolves(died(null, { reason: 'removed' }))
      .at('stopping > collecting > removing > removingContainer');
    agent.resolves().at('evaluating > done').ends('failed', { kind: 'infrastructure' });
  }),
  scenario('a transcript that cannot be redacted is read once its secrets are available', agent => {
    const waits = reach
      .reading(agent)
      .fails('transient')
      .at('backingOff')
      .resolves()
      .at('collecting > reading');
    waits.fails('missingSecret').at('waitingForSecrets').resolves().at('collecting > reading');
    // The tries start from zero again.
    agent.fails('transient').at('backingOff').given({ at: 1_100 }).resolves().at('collecting > reading');
    agent.resolves(collected(0)).at('removing > removingContainer').resolves();
    agent.at('evaluating > done').ends('succeeded', { exitCode: 0 });
  }),
  scenario('a transcript whose secrets stay missing does not block the removal', agent => {
    reach
      .reading(agent)
      .fails('missingSecret')
      .at('waitingForSecrets')
      .fails('docker')
      .at('removing > removingContainer');
    agent.resolves().at('evaluating > done').ends('failed', { kind: 'infrastructure', exitCode: 0 });
  }),
  scenario('an agent that is cancelled while its transcript waits for secrets keeps its outcome', agent => {
    reach.reading(agent).fails('missingSecret').at('waitingForSecrets').cancel().at('collecting > reading');
    agent.given({ cancelled: true }).resolves(collected(0)).at('removing > removingContainer').resolves();
    agent.at('evaluating > done').ends('succeeded', { exitCode: 0 });
  }),
  scenario('an agent that is killed while its transcript waits for secrets is removed at once', agent => {
    reach
      .reading(agent)
      .fails('missingSecret')
      .at('waitingForSecrets')
      .kill()
      .at('removing > removingContainer');
    agent.resolves().at('evaluating > done').ends('cancelled');
  }),
  scenario('a cancelled agent does not wait for the secrets of its transcript', agent => {
    reach.reading(agent).cancel().fails('missingSecret').at('removing > removingContainer').resolves();
    agent.at('evaluating > done').ends('failed', { kind: 'infrastructure', exitCode: 0 });
  }),
  scenario('a transcript that cannot be read because of a transient error is retried', agent => {
    reach.reading(agent).fails('transient').at('backingOff').given({ at: 1_100 }).resolves();
    agent.at('collecting > reading').resolves(collected(0)).at('removing > removingContainer').resolves();
    agent.at('evaluating > done').ends('succeeded', { exitCode: 0 });
  }),
  ...(['transient', 'docker'] as const).map(kind =>
    scenario(`a transcript that cannot be read (${kind}) does not block the removal`, agent => {
      reach.reading(agent);
      for (let tries = 1; kind === 'transient' && tries < maxTries; tries++)
        agent.fails(kind).at('backingOff').throws(new Error('no clock')).at('collecting > reading');
      agent
        .fails(kind)
        .at('removing > removingContainer')
        .fails('transient')
        .at('backingOff')
        .given({ at: 1_100 })
        .resolves();
      agent.at('removing > removingContainer').resolves().at('evaluating > done');
      agent.ends('failed', { kind: 'infrastructure', exitCode: 0, emitted: ['failed', 'failed'] });
    }),
  ),
  scenario('failed tries of collecting do not count for the removal', agent => {
    reach
      .reading(agent)
      .fails('transient')
      .at('backingOff')
      .resolves()
      .at('collecting > reading')
      .resolves(collected(0));
    agent
      .at('removing > removingContainer')
      .fails('transient')
      .at('backingOff')
      .given({ at: 1_100 })
      .resolves();
    agent.at('removing > removingContainer').resolves().at('evaluating > done');
    agent.ends('succeeded', { exitCode: 0, emitted: ['succeeded', 'succeeded'] });
  }),
  scenario('an engine that becomes unreachable during collecting is waited for', agent => {
    reach
      .reading(agent)
      .fails('unreachable', { inDoubt: true })
      .at('engineUnreachable')
      .given({ inDoubt: true });
    agent
      .resolves()
      .at('reconciling')
      .resolves(decision('collecting', { containerId: 'c', started: true, end: died() }));
    agent
      .at('collecting > reading')
      .resolves(collected(0))
      .at('removing > removingContainer')
      .resolves()
      .at('evaluating > done');
    agent.ends('succeeded', { exitCode: 0 });
  }),
  scenario(
    'an engine that becomes unreachable while a cancelled agent is collected is not waited for',
    agent => {
      advance(agent, 'running')
        .cancel()
        .at('stopping > interrupting')
        .resolves(died())
        .at('collecting > reading');
      agent
        .fails('unreachable')
        .at('removing > removingContainer')
        .resolves()
        .at('evaluating > done')
        .ends('cancelled');
    },
  ),
  scenario('collecting interrupted by an unreachable engine does not use up tries of the removal', agent => {
    reach
      .reading(agent)
      .fails('transient')
      .at('backingOff')
      .stays({ type: 'CANCEL', reason: 'requested' })
      .resolves();
    agent
      .at('collecting > reading')
      .fails('unreachable')
      .at('removing > removingContainer')
      .fails('transient');
    agent
      .at('backingOff')
      .given({ at: 1_100 })
      .resolves()
      .at('removing > removingContainer')
      .resolves()
      .at('evaluating > done');
    agent.ends('failed', { kind: 'infrastructure', exitCode: 0, emitted: ['failed', 'failed'] });
  }),
  scenario('an engine that becomes unreachable during the removal is waited for', agent => {
    const outcome = { status: 'succeeded', exitCode: 0, error: null } as const;
    reach
      .removingContainer(agent)
      .fails('unreachable', { inDoubt: true })
      .at('engineUnreachable')
      .given({ inDoubt: true });
    agent.resolves().at('reconciling');
    agent.resolves(decision('removing', { containerId: 'c', started: true, end: died(), outcome }));
    agent.at('removing > removingContainer').resolves().at('evaluating > done');
    agent.ends('succeeded', { exitCode: 0, emitted: ['succeeded', 'succeeded'] });
  }),
  scenario('a removal that keeps failing reports what may be left behind and keeps the outcome', agent => {
    reach.removingContainer(agent);
    for (let tries = 1; tries < maxTries; tries++)
      agent
        .fails('transient')
        .at('backingOff')
        .throws(new Error('no clock'))
        .at('removing > removingContainer');
    agent
      .fails('transient')
      .at('evaluating > done')
      .ends('succeeded', {
        exitCode: 0,
        kind: 'infrastructure',
        phase: 'removing',
        message: /left behind: transient failure/,
        emitted: Array.from({ length: maxTries }, () => 'succeeded' as const),
      });
  }),
  scenario('a removal that docker refuses keeps the failure of the agent', agent => {
    reach
      .reading(agent)
      .resolves(collected(2))
      .at('removing > removingContainer')
      .fails('docker')
      .at('evaluating > done');
    agent.ends('failed', { exitCode: 2, kind: 'exit', phase: 'running' });
  }),
  scenario('a removal that was interrupted is in doubt when it is retried', agent => {
    reach
      .removingContainer(agent)
      .given({ inDoubt: false })
      .fails('transient', { inDoubt: true })
      .at('backingOff')
      .resolves();
    agent.at('removing > removingContainer').given({ inDoubt: true }).resolves().at('evaluating > done');
    agent.ends('succeeded', { exitCode: 0, emitted: ['succeeded', 'succeeded'] });
  }),
  scenario(
    'a cancelled agent whose engine is unreachable reports the container that is left behind',
    agent => {
      advance(agent, 'running')
        .kill()
        .at('removing > removingContainer')
        .fails('unreachable')
        .at('evaluating > done');
      agent.ends('cancelled', { kind: 'infrastructure', phase: 'removing' });
    },
  ),
  scenario('the outcome of a failed step is kept over the end record', agent => {
    advance(agent, 'waitingForTmux').fails('docker').at('stopping > interrupting').resolves(died());
    agent
      .at('collecting > reading')
      .resolves(collected(0))
      .at('removing > removingContainer')
      .resolves()
      .at('evaluating > done');
    agent.ends('failed', { kind: 'docker', phase: 'waitingForTmux' });
  }),
];
