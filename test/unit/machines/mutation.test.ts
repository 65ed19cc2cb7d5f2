import test from 'ava';
import { agentMachine } from '../../../machines/agent.ts';
import { forgetful, observed, retargeted, transitionsOf, weakened } from './mutants.ts';
import { scenarios } from './scenarios/index.ts';
import { coverage, survivors } from './survivors.ts';

const states = (...names: string[]) => names.map(name => `#agent.${name}`);
const targets = {
  stable: [
    ...states('reconciling', 'building', 'networking', 'creating', 'starting', 'waitingForTmux', 'injecting'),
    ...states('running', 'running.idle', 'running.needsInput', 'backingOff', 'engineUnreachable'),
    ...states('waitingForSecrets'),
    ...states('stopping.interrupting', 'stopping.terminating', 'stopping.stoppingContainer'),
    ...states('stopping.killing', 'collecting.reading', 'removing.removingContainer', 'retrying', 'done'),
    ...states('waitingForQuota'),
  ],
  transient: states('stopping', 'collecting', 'removing', 'evaluating'),
};

/** Mutants that behave like the chart. Each entry needs its reason. */
const harmless = [
  'reconciling.onDone[11] without its guard', // the last of a list whose guards cover every case, as three below
  'backingOff.onDone[9] without its guard',
  'backingOff.onError[9] without its guard',
  'waitingForSecrets.onDone[2] without its guard',
  'stopping.killing.onDone[0] without its guard', // both of its branches go to collecting; an end of null is none
  'removing.removingContainer.onDone without the action cleanupDone', // the next attempt begins afresh by itself
];

const covering = coverage(scenarios, agentMachine, observed);
const detecting = ({ detectedBy }: { detectedBy: string }) => covering.get(detectedBy) ?? [];

test('every transition of the chart is taken by a scenario', t => {
  const untaken = transitionsOf(agentMachine).filter(({ name }) => !covering.has(name));
  t.deepEqual(
    untaken.map(({ name }) => name),
    [],
  );
});

test('a transition with any other target is detected', t => {
  const { killed, survived } = survivors(retargeted(agentMachine, targets), detecting);
  t.log(`${killed} detected`);
  t.deepEqual(survived, []);
});

test('a transition without its guard, without one of its actions, or missing is detected', t => {
  const { killed, survived } = survivors(weakened(agentMachine), detecting);
  t.log(`${killed} detected`);
  t.deepEqual(survived, harmless);
});

test('a state without one of its entry actions is detected', t => {
  const { killed, survived } = survivors(forgetful(agentMachine), () => scenarios);
  t.log(`${killed} detected`);
  t.deepEqual(survived, []);
});
