import test from 'ava';
import { cancelDeadline } from '../../../src/run/cancel-deadline.ts';
import { at } from '../_helpers/story.ts';

test('the end of the run ends the time of cancelled agents only', t => {
  const { apply, signal, end } = cancelDeadline(['a', 'b']);
  apply(at(1, { type: 'agent.cancel', agent: 'a', reason: 'x' }));
  t.false(signal('a').aborted);
  end();
  t.true(signal('a').aborted);
  t.false(signal('b').aborted);
  apply(at(1, { type: 'run.cancel', reason: 'x' }));
  end();
  t.true(signal('b').aborted);
});

test('other events and unknown agents end no time', t => {
  const { apply, signal, end } = cancelDeadline(['a']);
  apply(at(1, { type: 'engine.reachable' }));
  apply(at(1, { type: 'agent.cancel', agent: 'other', reason: 'x' }));
  end();
  t.false(signal('a').aborted);
});
