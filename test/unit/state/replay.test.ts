import test from 'ava';
import fc from 'fast-check';
import { initialFlowState, reduce } from '../../../src/state/flow-state.ts';
import { openHistory, until } from '../../../src/state/history.ts';
import { openReplay } from '../../../src/state/replay.ts';
import { livelyRun } from '../inspector/lively.ts';

test('a replay returns the state of the reducer at every event, in any order', t => {
  const events = livelyRun(12);
  const states = [initialFlowState];
  for (const event of events) states.push(reduce(states.at(-1)!, event));
  const moments = fc.array(fc.integer({ min: -1, max: events.length + 3 }), { maxLength: 30 });
  fc.assert(
    fc.property(moments, fc.integer({ min: 1, max: 40 }), (indexes, every) => {
      const replay = openReplay(every);
      for (const event of events) replay.add(event);
      for (const index of indexes)
        t.deepEqual(replay.at(index), states[Math.min(index, events.length - 1) + 1]);
    }),
    { numRuns: 50 },
  );
});

test('a growing replay returns the state of each new event', t => {
  const replay = openReplay(4);
  let state = initialFlowState;
  t.is(replay.at(-1), initialFlowState);
  for (const [index, event] of livelyRun(3).entries()) {
    replay.add(event);
    state = reduce(state, event);
    t.deepEqual(replay.at(index), state);
  }
});

test('a history contains the transitions and docker calls of each agent, up to an index', t => {
  const history = openHistory();
  const events = livelyRun(2);
  for (const event of events) history.add(event);
  const { steps, calls } = history.of('agent-1');
  t.deepEqual(
    steps.map(({ event }) => event),
    events.filter(event => event.type === 'agent.state' && event.agent === 'agent-1'),
  );
  t.deepEqual(
    calls.map(({ event }) => event.argv[1]),
    ['create', 'start', 'rm'],
  );
  t.true(calls.every(({ result }) => result?.event.ok));
  for (const { index, event } of steps) t.is(events[index], event);
  t.deepEqual(until(steps, -1), []);
  t.deepEqual(until(steps, steps[3]!.index), steps.slice(0, 4));
  t.deepEqual(until(steps, steps[3]!.index - 1), steps.slice(0, 3));
  t.is(until(steps, events.length), steps);
  t.deepEqual(history.engine.calls, []);
});

test('a moment of a large run is reduced from a checkpoint, of which there is one for as many events as agents', t => {
  let reads = 0;
  const replay = openReplay();
  const events = livelyRun(200);
  for (const event of events)
    replay.add(
      new Proxy(event, {
        get(target, key) {
          if (key === 'type') reads++;
          return Reflect.get(target, key);
        },
      }),
    );
  // The type is read twice for each event: once for the number of agents.
  t.true(reads <= 2 * events.length, String(reads));
  for (const index of [events.length - 2, 1_000, 2_001, 150]) {
    reads = 0;
    replay.at(index);
    t.true(reads <= 200, String(reads));
  }
});

test('states of a replay do not change when events are added', t => {
  const events = livelyRun(3);
  const replay = openReplay();
  replay.add(events[0]!);
  const before = replay.at(0);
  for (const event of events.slice(1)) replay.add(event);
  t.deepEqual(before, reduce(initialFlowState, events[0]!));
});
