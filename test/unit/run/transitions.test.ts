import test from 'ava';
import { type AnyActor, createActor, fromPromise } from 'xstate';
import { agentMachine } from '../../../machines/agent.ts';
import type { Reconciliation, StepInput } from '../../../machines/agent-types.ts';
import type { RunEventBody } from '../../../src/events.ts';
import { stateName, transitionEvents } from '../../../src/run/transitions.ts';
import { testFlow } from '../inspector/flow.ts';
import { decision, pending } from '../machines/scenarios/story.ts';

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

test('each reason of a wait for a host is journaled once', async t => {
  const journal: RunEventBody[] = [];
  const events = transitionEvents(
    name => name === 'one',
    event => journal.push(event),
    () => null,
  );
  const machine = agentMachine.provide({
    actors: {
      reconcile: fromPromise<Reconciliation, StepInput>(async () => decision('placing')),
      place: fromPromise<void, StepInput>(() => new Promise(() => {})),
    },
  });
  const input = { name: 'one', dependsOn: [], retries: 0, keep: 'never', isScheduled: true } as const;
  const actor = createActor(machine, { id: 'one', input, inspect: events }).start();
  t.teardown(() => actor.stop());
  while (!actor.getSnapshot().matches('placing')) await Promise.resolve();
  for (const reason of ['no room', 'no room', 'no leader', 'no room']) actor.send(pending(reason));
  t.deepEqual(
    journal.flatMap(event => (event.type === 'agent.state' ? [[event.state, event.cause]] : [])),
    [
      ['reconciling', null],
      ['placing.requested', null],
      ['placing.pending', 'no room'],
      ['placing.pending', 'no leader'],
      ['placing.pending', 'no room'],
    ],
  );
});

test('stateName prefixes a substate with its parent', t => {
  t.is(stateName('building'), 'building');
  t.is(stateName({ running: 'idle' }), 'running.idle');
});
