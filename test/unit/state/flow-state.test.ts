import test from 'ava';
import { topLevel } from '../../../src/state/agent-state.ts';
import { initialFlowState, ofAgent, reduce } from '../../../src/state/flow-state.ts';
import { at, attemptEnds, ends, enters, failure, noon, started, stateAfter } from '../_helpers/story.ts';

const two = started({ fixer: [], tests: ['fixer'] });

test('a started run has all of its agents in waiting', t => {
  const state = stateAfter(two);
  t.like(state, {
    runId: 'r1234567',
    name: 'fix',
    concurrency: 2,
    startedAt: noon,
    endedAt: null,
    ended: null,
  });
  t.deepEqual(Object.keys(state.agents), ['fixer', 'tests']);
  t.like(state.agents.tests, { state: 'waiting', since: noon, attempt: 1, startedAt: null, status: null });
  t.deepEqual(state.agents.tests?.dependsOn, ['fixer']);
  t.deepEqual(state.agents.tests?.attempts, []);
});

test('an agent is in the state that it entered last', t => {
  const state = stateAfter(two, enters(1, 'fixer', 'building'), enters(3, 'fixer', 'running.working'));
  t.like(state.agents.fixer, { state: 'running.working', since: noon + 3000, startedAt: noon + 1000 });
  t.is(state.agents.tests?.state, 'waiting');
});

test('a cause and a wait last until the next state', t => {
  const more = { cause: 'eof', until: noon + 1400 };
  const waiting = stateAfter(two, enters(1, 'fixer', 'backingOff', more));
  t.like(waiting.agents.fixer, more);
  t.like(reduce(waiting, enters(2, 'fixer', 'building')).agents.fixer, { cause: null, until: null });
});

test('the times of an attempt are summed by top-level state', t => {
  const state = stateAfter(
    two,
    enters(1, 'fixer', 'building'),
    enters(3, 'fixer', 'backingOff'),
    enters(4, 'fixer', 'building'),
    enters(8, 'fixer', 'stopping.interrupting'),
    enters(10, 'fixer', 'stopping.killing'),
    enters(11, 'fixer', 'done'),
  );
  t.deepEqual(state.agents.fixer?.attempts[0]?.timings, { building: 6000, backingOff: 1000, stopping: 3000 });
});

test('a clock that is set back adds no negative time', t => {
  const state = stateAfter(two, enters(5, 'fixer', 'building'), enters(3, 'fixer', 'networking'));
  t.deepEqual(state.agents.fixer?.attempts[0]?.timings, { building: 0 });
});

test('a new attempt has its own times and container, and the wait before it counts for the last', t => {
  const state = stateAfter(
    two,
    enters(1, 'fixer', 'running.working', { containerId: 'c1' }),
    attemptEnds(2, 'fixer', failure('exit')),
    enters(2, 'fixer', 'retrying'),
    enters(5, 'fixer', 'building', { attempt: 2 }),
    enters(6, 'fixer', 'networking', { attempt: 2 }),
  );
  const { fixer } = state.agents;
  t.like(fixer, { attempt: 2, containerId: null });
  t.like(fixer?.attempts[0], {
    status: 'failed',
    containerId: 'c1',
    timings: { running: 1000, retrying: 3000 },
    transcript: '/state/fixer/1/transcript.log',
  });
  t.like(fixer?.attempts[1], { attempt: 2, status: null, containerId: null, timings: { building: 1000 } });
});

test('an agent is on the host that its last attempt was placed on, and each attempt keeps its own', t => {
  const placed = (seconds: number, attempt: number, host: string) =>
    at(seconds, { type: 'agent.placed', agent: 'fixer', attempt, host });
  const state = stateAfter(
    two,
    enters(1, 'fixer', 'placing.requested'),
    placed(2, 1, 'h1'),
    attemptEnds(3, 'fixer', failure('exit')),
    enters(4, 'fixer', 'placing.requested', { attempt: 2 }),
    placed(5, 2, 'h2'),
    enters(6, 'fixer', 'building', { attempt: 2 }),
  );
  t.is(state.agents.fixer?.host, 'h2');
  t.deepEqual(
    state.agents.fixer?.attempts.map(({ host }) => host),
    ['h1', 'h2'],
  );
  t.is(state.agents.tests?.host, null);
});

test('the time in which an attempt waits for a host is its own', t => {
  const state = stateAfter(
    two,
    enters(1, 'fixer', 'placing.requested'),
    enters(2, 'fixer', 'placing.pending', { cause: 'no room' }),
    enters(5, 'fixer', 'placing.pending', { cause: 'no leader' }),
    enters(6, 'fixer', 'building'),
  );
  t.deepEqual(state.agents.fixer?.attempts[0]?.timings, { placing: 5000 });
  t.is(state.agents.fixer?.cause, null);
});

test('a container id is kept during its attempt', t => {
  const state = stateAfter(
    two,
    enters(1, 'fixer', 'starting', { containerId: 'c1' }),
    enters(2, 'fixer', 'reconciling'),
  );
  t.is(state.agents.fixer?.containerId, 'c1');
  t.is(state.agents.fixer?.attempts[0]?.containerId, 'c1');
});

test('a resumed agent keeps its attempt while it reconciles', t => {
  const state = stateAfter(
    two,
    enters(1, 'fixer', 'running.working', { attempt: 2, containerId: 'c2' }),
    started({ fixer: [], tests: ['fixer'] }, 10),
    enters(11, 'fixer', 'reconciling', { attempt: 1 }),
  );
  t.like(state.agents.fixer, { attempt: 2, containerId: 'c2', state: 'reconciling', startedAt: noon + 1000 });
  t.deepEqual(
    state.agents.fixer?.attempts.map(({ attempt }) => attempt),
    [2],
  );
  t.deepEqual(state.agents.fixer?.attempts[0]?.timings, { running: 10_000 });
});

test('a resumed run keeps its start and has no end', t => {
  const state = stateAfter(
    two,
    at(1, { type: 'engine.unreachable', message: 'gone' }),
    at(2, { type: 'run.ended', status: 'failed', exitCode: 3 }),
    started({ fixer: [], tests: ['fixer'] }, 10),
  );
  t.like(state, { startedAt: noon, endedAt: null, ended: null, unreachable: [] });
});

test('the first outcome of an attempt is kept', t => {
  const state = stateAfter(
    two,
    enters(1, 'fixer', 'removing.checking'),
    attemptEnds(2, 'fixer', { ...failure('exit'), exitCode: 7 }),
    attemptEnds(3, 'fixer', { transcript: null, image: 'sha256:2' }),
  );
  t.like(state.agents.fixer?.attempts[0], { status: 'failed', exitCode: 7 });
  t.is(state.agents.fixer?.attempts[0]?.transcript, '/state/fixer/1/transcript.log');
  t.is(state.agents.fixer?.image, 'sha256:1');
  t.is(state.agents.fixer?.status, null);
});

test('an outcome without a container or an image keeps those of the agent', t => {
  const nothing = { containerId: null, image: null };
  const state = stateAfter(
    two,
    enters(1, 'fixer', 'starting', { containerId: 'c1' }),
    attemptEnds(2, 'fixer'),
    ends(3, 'fixer', nothing),
    attemptEnds(4, 'fixer', { attempt: 2, ...nothing }),
  );
  t.like(state.agents.fixer, { containerId: 'c1', image: 'sha256:1' });
  t.is(state.agents.fixer?.attempts[0]?.containerId, 'c1');
});

test('an ended agent has a status and no wait', t => {
  const state = stateAfter(
    two,
    enters(1, 'fixer', 'retrying', { cause: 'x', until: noon }),
    ends(9, 'fixer', { ...failure('exit'), exitCode: 7 }),
  );
  t.like(state.agents.fixer, {
    status: 'failed',
    exitCode: 7,
    endedAt: noon + 9000,
    cause: null,
    until: null,
    state: 'retrying',
    since: noon + 1000,
  });
  t.is(state.agents.fixer?.error?.kind, 'exit');
});

test('the state of an agent that never started is its status', t => {
  const state = stateAfter(
    two,
    ends(4, 'tests', { ...failure('dependency'), status: 'skipped', containerId: null, image: null }),
  );
  t.like(state.agents.tests, { state: 'skipped', since: noon + 4000, startedAt: null, status: 'skipped' });
  t.deepEqual(state.agents.tests?.attempts, []);
});

test('time after the end of an agent is not counted', t => {
  const state = stateAfter(
    two,
    enters(1, 'fixer', 'done'),
    ends(2, 'fixer'),
    enters(60, 'fixer', 'reconciling'),
    ends(61, 'fixer'),
  );
  t.deepEqual(state.agents.fixer?.attempts[0]?.timings, {});
  t.is(state.agents.fixer?.endedAt, noon + 2000);
});

test('the engine is unreachable until it is reachable again', t => {
  const unreachable = stateAfter(two, at(1, { type: 'engine.unreachable', message: 'no answer' }));
  t.deepEqual(unreachable.unreachable, [{ host: null, message: 'no answer' }]);
  t.deepEqual(reduce(unreachable, at(2, { type: 'engine.reachable' })).unreachable, []);
});

test('the first reason of a cancel is kept', t => {
  const cancel = (reason: string) => at(1, { type: 'run.cancel', reason });
  t.is(stateAfter(two, cancel('SIGINT'), cancel('SIGTERM')).cancelled, 'SIGINT');
});

test('warnings are kept in order and docker calls are counted', t => {
  const warning = (message: string, agent: string | null) =>
    at(1, { type: 'warning', agent, message } as const);
  const call = at(1, { type: 'docker.call', call: 1, agent: null, attempt: null, argv: ['docker', 'ps'] });
  const result = {
    type: 'docker.result',
    call: 1,
    ok: true,
    exitCode: 0,
    ms: 1,
    interrupted: null,
    stderr: '',
  } as const;
  const state = stateAfter(two, warning('a', null), warning('b', 'fixer'), call, call, at(1, result));
  t.deepEqual(state.warnings, [
    { agent: null, message: 'a' },
    { agent: 'fixer', message: 'b' },
  ]);
  t.is(state.dockerCalls, 2);
});

test('an ended run has its time, status and exit code', t => {
  const state = stateAfter(two, at(9, { type: 'run.ended', status: 'failed', exitCode: 3 }));
  t.is(state.endedAt, noon + 9000);
  t.deepEqual(state.ended, { status: 'failed', exitCode: 3 });
});

test('an event of an unknown agent changes nothing', t => {
  const state = stateAfter(two);
  t.is(reduce(state, enters(1, 'constructor', 'building')), state);
  t.is(ofAgent(state, 'toString'), undefined);
  t.is(reduce(state, at(1, { type: 'agent.cancel', agent: 'fixer', reason: 'x' })), state);
});

test('states are never changed in place', t => {
  const before = stateAfter(two, enters(1, 'fixer', 'building'));
  const copy = structuredClone(before);
  for (const event of [enters(2, 'fixer', 'networking'), attemptEnds(3, 'fixer'), ends(4, 'fixer')])
    reduce(before, event);
  t.deepEqual(before, copy);
  t.deepEqual(initialFlowState.agents, {});
});

test('topLevel returns the part before the first dot', t => {
  t.is(topLevel('stopping.killing'), 'stopping');
  t.is(topLevel('building'), 'building');
});
