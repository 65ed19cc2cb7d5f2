import test from 'ava';
import { agentMachine as chart } from '../../../machines/agent.ts';
import { retargeted, transitionsOf, weakened, withObserver, withoutEntryAction } from './mutants.ts';
import { scenarios } from './scenarios/index.ts';
import { coverage, survivors } from './survivors.ts';
import { withManualActors } from './walk.ts';

/** The chart with manual actors, which its mutants share. */
const agentMachine = withManualActors(chart);

const states = (...names: string[]) => names.map(name => `#agent.${name}`);
const targets = {
  stable: [
    ...states('reconciling', 'building', 'networking', 'creating', 'starting', 'waitingForTmux', 'injecting'),
    ...states('placing', 'placing.pending', 'releasing'),
    ...states('running', 'running.idle', 'running.needsInput', 'backingOff', 'engineUnreachable'),
    ...states('waitingForSecrets'),
    ...states('stopping.interrupting', 'stopping.terminating', 'stopping.stoppingContainer'),
    ...states('stopping.killing', 'collecting.reading', 'removing.removingContainer', 'retrying', 'done'),
    ...states('checking'),
    ...states('waitingForQuota'),
  ],
  transient: states('stopping', 'collecting', 'removing', 'evaluating'),
};

/** Mutants that behave like the chart. Each entry needs its reason. */
const harmless = [
  'reconciling.onDone[13] without its guard', // the last branch of a list whose guards cover every case, like the next three
  'backingOff.onDone[11] without its guard',
  'backingOff.onError[11] without its guard',
  'waitingForSecrets.onDone[4] without its guard',
  'stopping.killing.onDone[0] without its guard', // both branches lead to collecting, and a null end has no effect
  'removing.removingContainer.onDone without the action cleanupDone', // the next attempt resets the context anyway
];

const covering = coverage(scenarios, agentMachine, withObserver);
const detecting = ({ detectedBy }: { detectedBy: string }) => covering.get(detectedBy) ?? [];

test('scenarios take every transition of the chart', t => {
  const untaken = transitionsOf(agentMachine).filter(({ name }) => !covering.has(name));
  t.deepEqual(
    untaken.map(({ name }) => name),
    [],
  );
});

test('scenarios detect a transition with any other target', t => {
  const { killed, survived } = survivors(retargeted(agentMachine, targets), detecting);
  t.log(`${killed} detected`);
  t.deepEqual(survived, []);
});

test('scenarios detect a missing transition, guard or action', t => {
  const { killed, survived } = survivors(weakened(agentMachine), detecting);
  t.log(`${killed} detected`);
  t.deepEqual(survived, harmless);
});

test('scenarios detect a missing entry action', t => {
  const { killed, survived } = survivors(withoutEntryAction(agentMachine), () => scenarios);
  t.log(`${killed} detected`);
  t.deepEqual(survived, []);
});
