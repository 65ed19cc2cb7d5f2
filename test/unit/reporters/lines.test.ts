process.env.TZ = 'UTC';

import test from 'ava';
import { lineOf } from '../../../src/reporters/lines.ts';
import { initialFlowState, reduce } from '../../../src/state/flow-state.ts';
import { at, attemptEnds, ends, enters, failure, noon, started, stateAfter } from '../_helpers/story.ts';

const two = started({ fixer: [], 'long-name': ['fixer'] });
const begun = stateAfter(two);

test('the first line names the run, its flow, its agents and their concurrency', t => {
  t.is(lineOf(initialFlowState, two), '12:00:00 run r1234567 of fix: 2 agents, at most 2 at once');
  t.is(
    lineOf(initialFlowState, started({ a: [] }, 0, 1)),
    '12:00:00 run r1234567 of fix: 1 agent, at most 1 at once',
  );
});

test('the first line of a resumed run is marked', t => {
  t.is(lineOf(begun, two), '12:00:00 run r1234567 of fix: 2 agents, at most 2 at once, resumed');
});

test('names are padded to the longest, and the time is the event time', t => {
  t.is(lineOf(begun, enters(3661, 'fixer', 'building')), '13:01:01 fixer      building');
  t.is(lineOf(begun, enters(9, 'long-name', 'building')), '12:00:09 long-name  building');
});

const stateLabels: Record<string, string> = {
  'placing.requested': 'placing',
  'placing.pending': 'waiting for a host: there is none yet',
  building: 'building',
  networking: 'networking',
  creating: 'creating',
  starting: 'starting',
  waitingForTmux: 'waiting for tmux',
  injecting: 'injecting',
  'running.working': 'running',
  'running.idle': 'running, idle',
  'running.needsInput': 'needs input: agent-flow attach r1234567/fixer',
  engineUnreachable: 'waiting for the Docker engine',
  'stopping.interrupting': 'interrupting',
  'stopping.terminating': 'terminating',
  'stopping.stoppingContainer': 'stopping the container',
  'stopping.killing': 'killing',
  'collecting.reading': 'collecting',
  'removing.removingContainer': 'removing',
};

for (const [state, stateLabel] of Object.entries(stateLabels))
  test(`an agent that enters ${state} has a line: ${stateLabel}`, t =>
    t.is(lineOf(begun, enters(0, 'fixer', state)), `12:00:00 fixer      ${stateLabel}`));

for (const state of [
  'reconciling',
  'stopping.checking',
  'collecting.checking',
  'removing.checking',
  'evaluating',
  'releasing',
  'done',
  'constructor',
])
  test(`${state} has no line`, t => t.is(lineOf(begun, enters(0, 'fixer', state)), null));

test('a line of a later attempt has its number', t => {
  t.is(
    lineOf(begun, enters(0, 'fixer', 'running.working', { attempt: 2 })),
    '12:00:00 fixer      running (attempt 2)',
  );
});

test('the line of an agent that needs input has the question if it is known', t => {
  t.is(
    lineOf(begun, enters(0, 'fixer', 'running.needsInput', { cause: 'asks for a login' })),
    '12:00:00 fixer      needs input: it asks for a login; agent-flow attach r1234567/fixer',
  );
});

test('the line of an agent without a host has the reason, and that of its placing the host', t => {
  const cause = 'no suitable node (insufficient resources on 3 nodes)';
  t.is(
    lineOf(begun, enters(0, 'fixer', 'placing.pending', { cause })),
    `12:00:00 fixer      waiting for a host: ${cause}`,
  );
  t.is(
    lineOf(begun, at(1, { type: 'agent.placed', agent: 'fixer', attempt: 1, host: 'h2' })),
    '12:00:01 fixer      placed on h2',
  );
});

test('an idle agent that continues is running again', t => {
  const idle = stateAfter(two, enters(1, 'fixer', 'running.idle'));
  t.is(
    lineOf(idle, enters(2, 'fixer', 'running.working', { attempt: 2 })),
    '12:00:02 fixer      running again',
  );
});

test('the line of a backoff has its cause and the delay', t => {
  const event = enters(1, 'fixer', 'backingOff', { cause: 'unexpected EOF', until: noon + 1400 });
  t.is(lineOf(begun, event), '12:00:01 fixer      backing off: unexpected EOF, next try in 0.4s');
  const withoutCause = enters(1, 'fixer', 'backingOff');
  t.is(lineOf(begun, withoutCause), '12:00:01 fixer      backing off: docker failed, next try');
});

test('the line of a retry has the failure of the last attempt and the delay', t => {
  const event = enters(4, 'fixer', 'retrying', { until: noon + 5000 });
  const failed = stateAfter(
    two,
    enters(1, 'fixer', 'building'),
    attemptEnds(3, 'fixer', failure('exit', 'exited with 7')),
  );
  t.is(
    lineOf(failed, event),
    '12:00:04 fixer      attempt 1 failed: exited with 7; attempt 2 follows in 1.0s',
  );
  t.is(
    lineOf(begun, event),
    '12:00:04 fixer      attempt 1 failed: no reason known; attempt 2 follows in 1.0s',
  );
  t.is(lineOf(begun, attemptEnds(3, 'fixer')), null);
});

test('the line of a success has its duration', t => {
  const running = stateAfter(two, enters(2, 'fixer', 'building'), enters(5, 'fixer', 'running.working'));
  t.is(lineOf(running, ends(43.5, 'fixer')), '12:00:43 fixer      succeeded in 41s');
  t.is(lineOf(begun, ends(1, 'fixer')), '12:00:01 fixer      succeeded');
});

test('the line of any other end has its reason', t => {
  const line = (more: Parameters<typeof ends>[2]) => lineOf(begun, ends(0, 'fixer', more))?.slice(20);
  t.is(line(failure('exit', 'exited with 7')), 'failed: exited with 7');
  t.is(line({ ...failure('timeout', 'too long'), status: 'timedOut' }), 'timed out: too long');
  t.is(line({ ...failure('dependency', 'depends on x'), status: 'skipped' }), 'skipped: depends on x');
  t.is(line({ status: 'cancelled' }), 'cancelled');
});

test('a repeated end has a line only if it differs', t => {
  const ended = stateAfter(two, ends(1, 'fixer'));
  t.is(lineOf(ended, ends(2, 'fixer')), null);
  t.is(lineOf(ended, ends(2, 'fixer', failure('exit', 'no'))), '12:00:02 fixer      failed: no');
});

test('only the first cancel of a run has a line', t => {
  const cancel = at(1, { type: 'run.cancel', reason: 'SIGINT' });
  t.is(lineOf(begun, cancel), '12:00:01 cancelling the run: SIGINT');
  t.is(lineOf(stateAfter(two, cancel), cancel), null);
  const one = at(1, { type: 'agent.cancel', agent: 'fixer', reason: 'stop requested' });
  t.is(lineOf(begun, one), '12:00:01 fixer      stopping: stop requested');
});

test('an unreachable engine and its return have one line each', t => {
  const unreachable = at(1, { type: 'engine.unreachable', message: 'no answer' });
  const reachable = at(2, { type: 'engine.reachable' });
  t.is(lineOf(begun, unreachable), '12:00:01 Docker engine unreachable: no answer');
  t.is(lineOf(stateAfter(two, unreachable), unreachable), null);
  t.is(lineOf(stateAfter(two, unreachable), reachable), '12:00:02 Docker engine reachable again');
  t.is(lineOf(begun, reachable), null);
});

test('each reduction of the concurrency has a line, and so has its end', t => {
  const throttled = (seconds: number, atOnce: number | null) =>
    at(seconds, { type: 'engine.throttled', atOnce, reason: 'it took 9.0s' });
  t.is(
    lineOf(begun, throttled(1, 2)),
    '12:00:01 Docker is overloaded: starting at most 2 containers at once (it took 9.0s)',
  );
  const reduced = stateAfter(two, throttled(1, 2));
  t.regex(lineOf(reduced, throttled(2, 1))!, /at most 1 container/);
  t.is(lineOf(reduced, throttled(2, 3)), null);
  t.is(lineOf(reduced, throttled(2, null)), '12:00:02 Docker is no longer overloaded');
  t.is(lineOf(begun, throttled(2, null)), null);
});

test('a warning of an agent has its name', t => {
  t.is(lineOf(begun, at(1, { type: 'warning', agent: null, message: 'm' })), '12:00:01 warning: m');
  t.is(
    lineOf(begun, at(1, { type: 'warning', agent: 'fixer', message: 'm' })),
    '12:00:01 fixer      warning: m',
  );
});

test('a message can neither break its line nor control the terminal', t => {
  const event = at(1, { type: 'warning', agent: null, message: 'a\x1b[2J\r\nb\x07\u202ec' });
  t.is(lineOf(begun, event), '12:00:01 warning: a bc');
});

test('docker calls and the end of the run have no line', t => {
  t.is(lineOf(begun, at(1, { type: 'docker.call', call: 1, agent: 'fixer', attempt: 1, argv: [] })), null);
  t.is(lineOf(begun, at(1, { type: 'run.ended', status: 'succeeded', exitCode: 0 })), null);
});

test('a condition has a line if it holds; otherwise the end of the agent has one', t => {
  const condition = (holds: boolean | null) =>
    at(2, { type: 'agent.condition', agent: 'fixer', holds, reason: 'when: true is true' });
  t.is(lineOf(begun, condition(true))?.slice(20), 'when: true is true');
  t.is(lineOf(begun, condition(false)), null);
  t.is(lineOf(begun, condition(null)), null);
  t.is(lineOf(reduce(begun, condition(true)), condition(true)), null);
});
