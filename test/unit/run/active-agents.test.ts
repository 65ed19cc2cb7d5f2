import test from 'ava';
import type { RunEvent } from '../../../src/events.ts';
import { activeAgents } from '../../../src/run/active-agents.ts';
import { ends, enters, started } from '../_helpers/story.ts';

const countAfter = (...events: RunEvent[]) => {
  const active = activeAgents();
  for (const event of events) active.apply(event);
  return active.count;
};
const two = started({ a: [], b: [] });

test('agents that have not started are not active', t => t.is(countAfter(two), 0));

test('an agent is active from its start to its end', t => {
  t.is(countAfter(two, enters(1, 'a', 'building')), 1);
  t.is(countAfter(two, enters(1, 'a', 'building'), enters(1, 'b', 'running.working')), 2);
  t.is(countAfter(two, enters(1, 'a', 'building'), ends(2, 'a')), 0);
});

test('an agent that waits for a secret is not active until it continues', t => {
  t.is(countAfter(two, enters(1, 'a', 'building'), enters(2, 'a', 'waitingForSecrets')), 0);
  t.is(countAfter(two, enters(2, 'a', 'waitingForSecrets'), enters(3, 'a', 'building')), 1);
});

test('an agent that has ended stays inactive when a resumed run enters its last state again', t => {
  t.is(countAfter(two, enters(1, 'a', 'done'), ends(1, 'a'), two, enters(2, 'a', 'reconciling')), 0);
});
