import test from 'ava';
import {
  type End,
  type EndRecord,
  type FailureKind,
  isRetryable,
  type Outcome,
  type Status,
} from '../../../machines/outcome.ts';
import { countedAttempts, quotaResetAt } from '../../../machines/quota.ts';
import { asStepError, StepError } from '../../../machines/step-error.ts';
import { toOutcome } from '../../../machines/to-outcome.ts';

type Row = readonly [
  title: string,
  end: End | null,
  record: EndRecord | null,
  status: Status,
  exitCode: number | null,
  kind?: FailureKind,
  message?: RegExp,
];

const died = (exitCode: number | null, end: Partial<End> = {}): End => ({
  exitCode,
  oomKilled: false,
  reason: 'died',
  at: 1,
  ...end,
});
const endRecord = (reason: EndRecord['reason'], code: number, oomKills = 0): EndRecord => ({
  reason,
  code,
  oomKills,
});

const table: readonly Row[] = [
  ['an exit with 0 succeeded', died(0), endRecord('exit', 0), 'succeeded', 0],
  ['an end record of a done signal succeeded', died(0), endRecord('done', 0), 'succeeded', 0],
  [
    'an end record with 0 outweighs the exit code of docker',
    died(137, { oomKilled: true }),
    endRecord('exit', 0),
    'succeeded',
    0,
  ],
  [
    'a success is not undone by a helper that ran out of memory',
    died(0),
    endRecord('exit', 0, 2),
    'succeeded',
    0,
  ],
  [
    'an end record counts for a removed container',
    died(null, { reason: 'removed' }),
    endRecord('exit', 0),
    'succeeded',
    0,
  ],
  [
    'an end record counts without an end of the container',
    null,
    endRecord('exit', 5),
    'failed',
    5,
    'exit',
    /^exited with 5$/,
  ],
  ['an exit with another code failed', died(3), endRecord('exit', 3), 'failed', 3, 'exit', /^exited with 3$/],
  ['a done signal with another code failed', died(2), endRecord('done', 2), 'failed', 2, 'exit'],
  [
    'the message of 127 names the cause',
    died(127),
    endRecord('exit', 127),
    'failed',
    127,
    'exit',
    /command not found in the container/,
  ],
  [
    'the message of 126 names the cause',
    died(126),
    endRecord('exit', 126),
    'failed',
    126,
    'exit',
    /cannot be executed/,
  ],
  [
    'an exit with 137 after an OOM kill ran out of memory',
    died(137),
    endRecord('exit', 137, 1),
    'failed',
    137,
    'outOfMemory',
  ],
  ['an exit with 137 and no OOM kill is an exit', died(137), endRecord('exit', 137), 'failed', 137, 'exit'],
  ['an exit with 1 after an OOM kill is an exit', died(1), endRecord('exit', 1, 1), 'failed', 1, 'exit'],
  ['a signal is named', died(143), endRecord('signal', 143), 'failed', 143, 'signal', /^ended by signal 15$/],
  [
    'a KILL by the kernel is out of memory',
    died(137),
    endRecord('signal', 137, 1),
    'failed',
    137,
    'outOfMemory',
  ],
  [
    'a KILL without an OOM kill is a signal',
    died(137),
    endRecord('signal', 137),
    'failed',
    137,
    'signal',
    /signal 9/,
  ],
  ['a TERM after an OOM kill is a signal', died(143), endRecord('signal', 143, 1), 'failed', 143, 'signal'],
  ['a lost tmux', died(1), endRecord('tmux-lost', 1), 'failed', 1, 'tmuxLost'],
  [
    'a tmux that could not start, with its message',
    died(70),
    { ...endRecord('tmux-lost', 70), refusal: 'cannot start tmux: error creating /tmp/tmux-0' },
    'failed',
    70,
    'tmuxLost',
    /^the container cannot run agents: cannot start tmux: error creating \/tmp\/tmux-0$/,
  ],
  ['a tmux that was killed for memory', died(1), endRecord('tmux-lost', 1, 1), 'failed', 1, 'outOfMemory'],
  ['a deadline', died(124), endRecord('deadline', 124), 'timedOut', 124, 'timeout', /timeouts\.run/],
  ['an idle agent', died(124), endRecord('idle', 124), 'timedOut', 124, 'idle', /timeouts\.idle/],
  [
    'a container that was never injected',
    died(125),
    endRecord('never-injected', 125),
    'failed',
    125,
    'injectTimeout',
  ],
  [
    'a lease that ran out, with its length and what to raise',
    died(124),
    { ...endRecord('lease', 124), lease: 570_000 },
    'failed',
    124,
    'infrastructure',
    /^its lease ran out, since no supervisor renewed it within 570 s\. Raise "hostGrace" if /,
  ],
  [
    'a lease of unknown length that ran out',
    died(124),
    endRecord('lease', 124),
    'failed',
    124,
    'infrastructure',
    /renewed it in time\. /,
  ],
  [
    'a TERM from outside',
    died(143),
    endRecord('term', 143),
    'failed',
    143,
    'infrastructure',
    /stopped from outside/,
  ],
  [
    'no end record, out of memory',
    died(137, { oomKilled: true }),
    null,
    'failed',
    137,
    'outOfMemory',
    /Raise "memory"/,
  ],
  [
    'no end record, removed',
    died(null, { reason: 'removed' }),
    null,
    'failed',
    null,
    'infrastructure',
    /removed from outside/,
  ],
  [
    'no end record, no end of the container',
    null,
    null,
    'failed',
    null,
    'infrastructure',
    /removed from outside/,
  ],
  [
    'no end record, restarted',
    died(0, { reason: 'restarted' }),
    null,
    'failed',
    0,
    'infrastructure',
    /restarted/,
  ],
  [
    'no end record, exited with 0',
    died(0),
    null,
    'failed',
    0,
    'infrastructure',
    /exited with 0 but wrote no end record/,
  ],
  [
    'no end record, killed',
    died(137),
    null,
    'failed',
    137,
    'infrastructure',
    /exited with 137 but wrote no end record/,
  ],
];

for (const [title, end, record, status, exitCode, kind, message] of table)
  test(`outcome: ${title}`, t => {
    const outcome = toOutcome(end, record);
    t.is(outcome.status, status);
    t.is(outcome.exitCode, exitCode);
    t.is(outcome.error?.kind, kind);
    if (kind) t.is(outcome.error?.phase, 'running');
    if (status === 'failed') t.is(outcome.error?.exitCode ?? null, exitCode);
    if (message) t.regex(outcome.error?.message ?? '', message);
  });

const failureRecord = (kind: 'authentication' | 'quota', until: number | null, code = 1): EndRecord => ({
  ...endRecord('exit', code),
  providerFailure: { kind, message: 'message of the CLI', until },
});

test('a failure that an AI CLI reports determines the outcome unless the agent succeeded', t => {
  t.like(toOutcome(died(1), failureRecord('authentication', null)), {
    status: 'failed',
    error: { kind: 'authentication', message: 'message of the CLI' },
  });
  t.is(toOutcome(died(0), failureRecord('authentication', null, 0)).status, 'succeeded');
});

test('only a quota with a known reset time is waited for, and its attempt does not count', t => {
  const known = toOutcome(died(1), failureRecord('quota', 60_000));
  const unknown = toOutcome(died(1), failureRecord('quota', null));
  const failed = toOutcome(died(1), endRecord('exit', 1));
  t.deepEqual([known, unknown, failed].map(quotaResetAt), [60_000, null, null]);
  t.false('waitUntil' in unknown.error!);
  t.is(quotaResetAt(toOutcome(died(1), failureRecord('authentication', 60_000))), null);
  t.is(countedAttempts(4, [known, failed, known]), 2);
});

test('an attempt whose host was lost does not count', t => {
  const lost: Outcome = {
    status: 'failed',
    exitCode: null,
    error: { phase: 'running', kind: 'hostLost', message: 'unreachable' },
  };
  const failed = toOutcome(died(1), endRecord('exit', 1));
  t.is(countedAttempts(4, [lost, failed, lost]), 2);
});

const day = 24 * 3_600_000;
const finished = 1_000 * day;

test('a quota whose reset time has passed is not waited for, and its attempt counts as failed', t => {
  for (const until of [0, 1, finished - day, finished]) {
    const outcome = toOutcome(died(1, { at: finished, finishedAt: finished }), failureRecord('quota', until));
    t.like(outcome, { status: 'failed', error: { kind: 'exit' } });
    t.is(quotaResetAt(outcome), null);
    t.true(isRetryable(outcome));
    t.is(countedAttempts(1, [outcome]), 1);
  }
});

test('a quota is waited for up to 8 days, and the message has the length of a longer wait', t => {
  const after = (ms: number) =>
    toOutcome(died(1, { at: finished, finishedAt: finished }), failureRecord('quota', finished + ms));
  for (const ms of [1, 5 * 3_600_000, 7 * day, 8 * day]) t.is(quotaResetAt(after(ms)), finished + ms);
  for (const ms of [8 * day + 1, 30 * day, 8.64e15]) {
    t.is(quotaResetAt(after(ms)), null);
    t.false(isRetryable(after(ms)));
  }
  t.like(after(30 * day), {
    status: 'failed',
    error: {
      kind: 'quota',
      message: 'message of the CLI. That is in 30 days, and a run waits for 8 at most. Run it again then',
    },
  });
});

test('a quota is waited for ten times at most; other failed attempts do not count as waits', t => {
  const waits = (count: number) =>
    Array.from({ length: count }, () => toOutcome(died(1), failureRecord('quota', 60_000)));
  const failed = Array.from({ length: 20 }, () => toOutcome(died(1), endRecord('exit', 1)));
  const next = (count: number) =>
    toOutcome(died(1), failureRecord('quota', 60_000), [...failed, ...waits(count)]);
  t.is(quotaResetAt(next(9)), 60_000);
  t.is(quotaResetAt(next(10)), null);
  t.is(next(10).error?.kind, 'quota');
  t.regex(next(10).error!.message, /^message of the CLI\. It has waited for its quota 10 times/);
});

test("the wait for a quota is measured by the engine's clock and ends by ours", t => {
  const hour = 3_600_000;
  for (const skew of [-9 * hour, -hour, -5_000, 5_000, hour, 9 * hour]) {
    const engineAt = finished + skew;
    const end = died(1, { at: finished, finishedAt: engineAt });
    t.is(quotaResetAt(toOutcome(end, failureRecord('quota', engineAt + hour))), finished + hour);
    t.is(quotaResetAt(toOutcome(end, failureRecord('quota', engineAt - 1))), null);
  }
  t.is(quotaResetAt(toOutcome(null, failureRecord('quota', finished))), null);
});

const retried: Readonly<Record<FailureKind, boolean>> = {
  exit: true,
  signal: true,
  tmuxLost: true,
  outOfMemory: true,
  injectTimeout: true,
  infrastructure: true,
  hostLost: false,
  timeout: false,
  idle: false,
  image: false,
  gpu: false,
  network: false,
  workspace: false,
  authentication: false,
  quota: false,
  check: false,
  budget: false,
  needsInput: false,
  missingSecret: false,
  output: true,
  reference: false,
  outOfResources: false,
  nameConflict: false,
  docker: false,
  unreachable: false,
  transient: false,
  dependency: false,
  when: false,
  rejected: false,
  forEach: false,
  internal: false,
};

test('only failures of the agent or of its infrastructure are retryable', t => {
  for (const [kind, expected] of Object.entries(retried)) {
    const outcome = (status: Status): Outcome => ({
      status,
      exitCode: null,
      error: { phase: 'running', kind: kind as FailureKind, message: kind },
    });
    t.is(isRetryable(outcome('failed')), expected, kind);
    for (const status of ['succeeded', 'timedOut', 'cancelled', 'skipped'] as const)
      t.false(isRetryable(outcome(status)), `${status} ${kind}`);
  }
  t.false(isRetryable({ status: 'failed', exitCode: 1, error: null }));
});

test('asStepError adds the time to a StepError without one and to the error of a command', t => {
  const untimed = new StepError('image', 'no such image', { inDoubt: true });
  t.is(asStepError(untimed), untimed);
  t.like(asStepError(untimed, { at: 7 }), { kind: 'image', message: 'no such image', at: 7, inDoubt: true });
  t.is(asStepError(new StepError('image', 'x', { at: 5 }), { at: 7 }).at, 5);
  const command = Object.assign(new Error('no'), {
    ...{ kind: 'docker', command: 'docker create', exitCode: null, inDoubt: true },
  });
  t.like(asStepError(command, { at: 7 }), { kind: 'docker', message: 'no', at: 7, inDoubt: true });
  t.is(asStepError(command).exitCode, undefined);
  t.like(asStepError(Object.assign(command, { exitCode: 1 }), { fallbackKind: 'network' }), {
    ...{ kind: 'network', exitCode: 1, command: 'docker create', cause: command },
  });
});

test('asStepError returns a complete StepError unchanged, and makes other errors internal', t => {
  const error = new StepError('image', 'no such image', {
    at: 5,
    command: 'docker pull',
    exitCode: 1,
    inDoubt: true,
  });
  t.is(asStepError(error), error);
  t.like(error, {
    kind: 'image',
    at: 5,
    command: 'docker pull',
    exitCode: 1,
    inDoubt: true,
    name: 'StepError',
  });
  const cause = new TypeError('oops');
  t.like(asStepError(cause), { kind: 'internal', message: 'oops', at: 0, inDoubt: false, cause });
  t.like(asStepError('no'), { kind: 'internal', message: 'no' });
  t.false('command' in asStepError(cause) && asStepError(cause).command !== undefined);
});
