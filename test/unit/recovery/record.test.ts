import test from 'ava';
import { helperArgs } from '../../../src/agent-container/helper.ts';
import type { RunEvent, RunEventBody } from '../../../src/events.ts';
import { reconcile } from '../../../src/recovery/reconcile.ts';
import {
  type AgentRecord,
  applyEvent,
  emptyRecord,
  isFresh,
  unstartedOutcome,
} from '../../../src/recovery/record.ts';

const after = (...events: RunEventBody[]): AgentRecord =>
  events.reduce(
    (record, body, seq) => applyEvent(record, 'a', { v: 1, seq, at: 0, ...body } as RunEvent),
    emptyRecord,
  );

const state = (attempt: number, more: object = {}): RunEventBody => ({
  type: 'agent.state',
  agent: 'a',
  attempt,
  state: 'x',
  event: 'y',
  containerId: null,
  injectedAt: null,
  cause: null,
  until: null,
  ...more,
});
const call = (verb: string, attempt = 1): RunEventBody => ({
  type: 'docker.call',
  call: 1,
  agent: 'a',
  attempt,
  argv: ['docker', verb],
});
const ended = (attempt: number, status: 'failed' | 'succeeded'): RunEventBody => ({
  type: 'attempt.ended',
  agent: 'a',
  attempt,
  status,
  exitCode: 1,
  error: null,
  containerId: 'c1',
  image: 'i',
  transcript: null,
});

test('a record without events, or with states only, is fresh', t => {
  t.is(after(), emptyRecord);
  t.true(isFresh(after(state(1))));
});

test('a requested create and start are recorded before their results', t => {
  const record = after(call('create'), call('start'));
  t.true(record.createAsked);
  t.true(record.startAsked);
  t.false(isFresh(record));
  t.false(after(call('exec')).createAsked);
});

test('calls for a helper container are not recorded for its attempt', t => {
  const helper = (...argv: string[]) => ({ ...call(''), argv: ['docker', ...argv] }) as RunEventBody;
  const args = helperArgs({
    instance: 'i',
    runId: 'r1234567',
    owner: { agent: 'a', attempt: 1 },
    image: 'i',
    command: 'agent-clone',
    args: [],
    mounts: [],
    user: '0',
  });
  t.is(after(helper(...args), helper('start', '--attach', 'c1')), emptyRecord);
});

test('later states without a container id or injection time keep those of earlier ones', t => {
  const record = after(state(1, { containerId: 'c1' }), state(1, { injectedAt: 5 }), state(1));
  t.is(record.containerId, 'c1');
  t.is(record.injectedAt, 5);
});

const placed = (attempt: number, host: string): RunEventBody => ({
  ...{ type: 'agent.placed', agent: 'a' },
  ...{ attempt, host },
});

test('the host of an attempt is that which it was placed on last, and the next attempt has none', t => {
  t.is(after().host, null);
  t.is(after(placed(1, 'h1'), call('create')).host, 'h1');
  t.is(after(placed(1, 'h1'), state(1), placed(1, 'h2'), state(1)).host, 'h2');
  t.is(after(placed(1, 'h1'), ended(1, 'failed'), state(2)).host, null);
  t.is(after({ ...placed(1, 'h1'), agent: 'b' } as RunEventBody).host, null);
});

test('a placed attempt whose state was not recorded is the current one', t => {
  const record = after(placed(1, 'h1'), call('create'), ended(1, 'failed'), placed(2, 'h2'));
  t.like(record, { attempt: 2, host: 'h2', createAsked: false, attemptOutcome: null });
  t.is(record.attempts.length, 1);
});

test('making a reservation is no create of a container', t => {
  const call = (...argv: string[]): RunEventBody => ({
    ...{ type: 'docker.call', call: 1, agent: 'a', attempt: 1, argv: ['docker', ...argv] },
  });
  t.true(isFresh(after(call('service', 'create', '--name=x'), placed(1, 'h1'))));
});

test('the first start of the container is recorded until its attempt ends', t => {
  const started = (containerId: string, startedAt: number): RunEventBody => ({
    type: 'container.started',
    containerId,
    startedAt,
  });
  const created = state(1, { containerId: 'c1' });
  t.is(after(started('c1', 7)).startedAt, null);
  t.is(after(created, started('c2', 7)).startedAt, null);
  t.is(after(created, started('c1', 7), started('c1', 9)).startedAt, 7);
  t.is(after(created, started('c1', 7), ended(1, 'failed'), state(2)).startedAt, null);
});

test('the first outcome of an attempt counts', t => {
  t.is(after(ended(1, 'failed'), ended(1, 'succeeded')).attemptOutcome?.status, 'failed');
});

test('a new attempt resets the record, and the last one is kept', t => {
  const record = after(
    call('create'),
    state(1, { containerId: 'c1', injectedAt: 5 }),
    ended(1, 'failed'),
    state(2),
  );
  t.is(record.attempt, 2);
  t.is(record.containerId, null);
  t.false(record.createAsked);
  t.is(record.injectedAt, null);
  t.is(record.attemptOutcome, null);
  t.deepEqual(record.attempts, [
    { attempt: 1, containerId: 'c1', status: 'failed', exitCode: 1, error: null },
  ]);
});

const checkEnded = (attempt: number, status: 'passed' | 'failed'): RunEventBody => ({
  ...{ type: 'check.ended', agent: 'a', attempt, status, ms: 5, transcript: null },
  ...{ round: 1, rounds: 3, exitCode: 1, reason: 'it exited with 1' },
});

test('the first check of an attempt counts, and begins another round if it is not passed', t => {
  const checked = [ended(1, 'succeeded'), checkEnded(1, 'failed'), checkEnded(1, 'passed')];
  t.like(after(...checked), { attempt: 1, round: 1, checkResult: { status: 'failed', exitCode: 1 } });
  t.like(after(...checked, state(2)), { attempt: 2, round: 2, checkResult: null, attemptOutcome: null });
  t.is(after(...checked, checkEnded(2, 'failed')).checkResult?.status, 'failed');
});

test('a retry of a failed attempt keeps its round', t => {
  const events = [ended(1, 'succeeded'), checkEnded(1, 'failed'), state(2), ended(2, 'failed'), state(3)];
  t.like(after(...events), { attempt: 3, round: 2 });
});

test('the container of a check is not that of its attempt', t => {
  const argv = ['docker', 'create', '--label=tmux-agents.role=check', '--', 'image'];
  t.false(after({ type: 'docker.call', call: 1, agent: 'a', attempt: 1, argv }).createAsked);
});

test('a late call of an earlier attempt is ignored', t => {
  t.false(after(ended(1, 'failed'), state(2), call('create', 1)).createAsked);
});

test('a cancel of the run or the agent is recorded, and one of another agent is not', t => {
  t.true(after({ type: 'run.cancel', reason: 'x' }).cancelled);
  t.true(after({ type: 'agent.cancel', agent: 'a', reason: 'x' }).cancelled);
  t.false(after({ type: 'agent.cancel', agent: 'b', reason: 'x' }).cancelled);
  t.true(after({ type: 'run.cancel', reason: 'x' }, ended(1, 'failed'), state(2)).cancelled);
});

test('events of other agents are ignored', t => {
  t.is(after({ ...ended(1, 'failed'), agent: 'b' } as RunEventBody), emptyRecord);
});

test('an ended agent keeps its outcome in a resumed run', t => {
  const plan = { retries: 1, keep: 'never', specHash: null } as const;
  const end = { agent: 'a', error: null, containerId: 'c1', image: 'i' } as const;
  const succeeded = after(ended(1, 'succeeded'), {
    type: 'agent.ended',
    status: 'succeeded',
    exitCode: 0,
    ...end,
  });
  t.like(reconcile(plan, succeeded, [], 0), { enter: 'done', outcome: { status: 'succeeded', exitCode: 0 } });
  // An agent that is cancelled between two attempts does not have the outcome of the first.
  const cancelled = after(ended(1, 'failed'), {
    type: 'agent.ended',
    status: 'cancelled',
    exitCode: null,
    ...end,
  });
  t.like(reconcile(plan, cancelled, [], 0), { enter: 'done', outcome: { status: 'cancelled' } });
  t.is(reconcile(plan, cancelled, [], 0).attempts.length, 1);
});

const condition = (holds: boolean | null): RunEventBody => ({
  type: 'agent.condition',
  agent: 'a',
  holds,
  reason: `it is ${holds}`,
});

test('the first result of a condition counts, in every attempt', t => {
  const record = after(condition(true), condition(false), state(2));
  t.deepEqual(record.condition, { holds: true, reason: 'it is true' });
});

test('only an agent that ended without a start has an outcome of that kind', t => {
  const outcome = { status: 'skipped', exitCode: null, error: null } as const;
  const ended: RunEventBody = { type: 'agent.ended', agent: 'a', ...outcome, containerId: null, image: null };
  t.deepEqual(unstartedOutcome(after(ended)), outcome);
  t.is(unstartedOutcome(after(condition(false))), null);
  t.is(unstartedOutcome(after(call('create'), ended)), null);
});
