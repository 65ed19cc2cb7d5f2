import test from 'ava';
import type { AnyActor } from 'xstate';
import type { RunEventBody } from '../../../src/events.ts';
import { stateName } from '../../../src/run/transitions.ts';
import { testFlow } from '../inspector/flow.ts';

type EndOfAttempt = Extract<RunEventBody, { type: 'attempt.ended' }>;

test('the journal records each emitted end of an attempt before the container is removed', async t => {
  const emitted: object[] = [];
  const flow = testFlow({ one: { retries: 1, failures: 1 } }, inspected => {
    if (inspected.type !== '@xstate.actor') return;
    const actor = inspected.actorRef as AnyActor;
    if (actor.id === 'one') actor.on('attempt.ended', event => emitted.push({ agent: 'one', ...event }));
  });
  flow.start();
  flow.release();
  await flow.ended;

  const ends = flow.journal.filter((event): event is EndOfAttempt => event.type === 'attempt.ended');
  t.deepEqual(
    ends.map(({ attempt, status, exitCode }) => [attempt, status, exitCode]),
    [
      [1, 'failed', 7],
      [2, 'succeeded', 0],
    ],
  );
  t.deepEqual(
    ends.map(({ transcript: _, ...event }) => event),
    emitted,
  );
  const neighbours = flow.journal.flatMap((event, index) =>
    event.type === 'attempt.ended' ? [flow.journal[index - 1], flow.journal[index + 1]] : [],
  );
  t.deepEqual(
    neighbours.map(event => (event?.type === 'agent.state' ? event.state : event?.type)),
    ['removing.checking', 'removing.removingContainer', 'removing.checking', 'removing.removingContainer'],
  );
});

test('stateName prefixes a substate with its parent', t => {
  t.is(stateName('building'), 'building');
  t.is(stateName({ running: 'idle' }), 'running.idle');
});
