import test from 'ava';
import { emptyRecord } from '../../../src/recovery/record.ts';
import { trackRun } from '../../../src/run/track-run.ts';
import { at, attemptEnds, enters, started } from '../_helpers/story.ts';

const call = (agent: string) =>
  at(1, { type: 'docker.call', call: 1, agent, attempt: 1, argv: ['docker', 'create'] });

test('one event is reduced into the state, the record of its agent and the deadline', t => {
  const tracker = trackRun(['a', 'b']);
  tracker.apply(started({ a: [], b: [] }));
  tracker.apply(enters(1, 'a', 'creating'));
  tracker.apply(call('a'));
  t.is(tracker.state().agents.a!.state, 'creating');
  t.true(tracker.record('a').createAsked);
  t.false(tracker.record('b').createAsked);
  tracker.apply(at(2, { type: 'run.cancel', reason: 'x' }));
  t.true(tracker.record('b').cancelled);
  tracker.deadline.end();
  t.true(tracker.deadline.signal('a').aborted);
});

test('attempts of an agent are listed as they begin', t => {
  const tracker = trackRun(['a']);
  t.deepEqual(tracker.attempts('a'), []);
  tracker.apply(started({ a: [] }));
  tracker.apply(enters(1, 'a', 'running', { containerId: 'c1' }));
  tracker.apply(attemptEnds(2, 'a', { status: 'failed', exitCode: 1 }));
  tracker.apply(enters(3, 'a', 'building', { attempt: 2 }));
  t.deepEqual(
    tracker.attempts('a').map(({ attempt, containerId }) => [attempt, containerId]),
    [
      [1, 'c1'],
      [2, null],
    ],
  );
});

test('an agent that the run does not have has the empty record', t => {
  t.is(trackRun([]).record('a'), emptyRecord);
});
