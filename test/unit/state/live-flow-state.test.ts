import test from 'ava';
import { initialFlowState, liveFlowState, reduce, stateAfter } from '../../../src/state/flow-state.ts';
import { at, enters, noon, started } from '../_helpers/story.ts';
import { livelyRun } from '../inspector/lively.ts';

const thousand = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`a${index}`, []]));
const warning = (agent: string | null) => at(1, { type: 'warning', agent, message: 'low disk' });

test('a live state is the same as the reduced one after every event', t => {
  const live = liveFlowState();
  let state = initialFlowState;
  for (const event of [warning(null), ...livelyRun(5), warning('agent-1')]) {
    live.apply(event);
    state = reduce(state, event);
    t.deepEqual(live.current(), state);
  }
  t.deepEqual(stateAfter([warning(null), ...livelyRun(5), warning('agent-1')]), state);
});

test('an event of a live state replaces one agent, and copies no other', t => {
  const live = liveFlowState([started(thousand)]);
  const { agents } = live.current();
  const before = Object.values(agents);
  live.apply(enters(1, 'a7', 'building'));
  t.is(live.current().agents, agents);
  const changed = Object.values(agents).filter((agent, index) => agent !== before[index]);
  t.deepEqual(
    changed.map(({ name, state, since }) => ({ name, state, since })),
    [{ name: 'a7', state: 'building', since: noon + 1000 }],
  );
});

test('a live state never changes the initial state', t => {
  const live = liveFlowState([warning(null), started({ a: [] }), enters(1, 'a', 'building')]);
  live.apply(warning('a'));
  t.deepEqual(initialFlowState.warnings, []);
  t.deepEqual(initialFlowState.agents, {});
  t.is(live.current().warnings.length, 2);
});

test('reduce leaves the state before as it was', t => {
  const before = reduce(initialFlowState, started(thousand));
  const after = reduce(reduce(before, enters(1, 'a7', 'building')), warning('a7'));
  t.is(before.agents.a7?.state, 'waiting');
  t.deepEqual(before.warnings, []);
  t.is(after.agents.a8, before.agents.a8);
});
