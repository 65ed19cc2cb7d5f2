import test from 'ava';
import { agentMachine } from '../../../machines/agent.ts';
import { forgetful, observed, retargeted, transitionsOf, weakened } from './mutants.ts';
import { scenarios } from './scenarios/index.ts';
import { coverage, survivors } from './survivors.ts';

const states = (...names: string[]) => names.map(name => `#agent.${name}`);
const targets = {
  standing: [
    ...states('reconciling', 'building', 'networking', 'creating', 'starting', 'waitingForTmux', 'injecting'),
    ...states('running', 'running.idle', 'running.needsInput', 'backingOff', 'engineUnreachable'),
    ...states('waitingForSecrets'),
    ...states('stopping.interrupting', 'stopping.terminating', 'stopping.stoppingContainer'),
    ...states('stopping.killing', 'collecting.reading', 'removing.removingContainer', 'retrying', 'done'),
    ...states('waitingForQuota'),
  ],
  passing: states('stopping', 'collecting', 'removing', 'evaluating'),
};

/** Broken in no way that anybody could see. Whoever adds to this list says why. */
const harmless = [
  'reconciling.onDone[11] without its guard', // the last of a list whose guards name every case, as are three below
  'backingOff.onDone[9] without its guard',
  'backingOff.onError[9] without its guard',
  'waitingForSecrets.onDone[2] without its guard',
  'stopping.killing.onDone[0] without its guard', // both of its branches go to collecting; an end of null is none
  'removing.removingContainer.onDone without the action cleanupDone', // the next attempt begins afresh by itself
];

const covering = coverage(scenarios, agentMachine, observed);
const noticing = ({ noticedBy }: { noticedBy: string }) => covering.get(noticedBy) ?? [];

test('every transition of the chart is taken by a scenario', t => {
  const untaken = transitionsOf(agentMachine).filter(({ name }) => !covering.has(name));
  t.deepEqual(
    untaken.map(({ name }) => name),
    [],
  );
});

test('a transition that leads elsewhere is noticed, wherever it leads', t => {
  const { killed, survived } = survivors(retargeted(agentMachine, targets), noticing);
  t.log(`${killed} noticed`);
  t.deepEqual(survived, []);
});

test('a transition that lacks its guard, one of its actions, or all of itself is noticed', t => {
  const { killed, survived } = survivors(weakened(agentMachine), noticing);
  t.log(`${killed} noticed`);
  t.deepEqual(survived, harmless);
});

test('a state that forgets what it does on entry is noticed', t => {
  const { killed, survived } = survivors(forgetful(agentMachine), () => scenarios);
  t.log(`${killed} noticed`);
  t.deepEqual(survived, []);
});
