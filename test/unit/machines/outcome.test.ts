import test from 'ava';
import {
  countedAttempts,
  type End,
  type EndRecord,
  type FailureKind,
  isRetryable,
  type Outcome,
  quotaResetAt,
  type Status,
  toOutcome,
} from '../../../machines/outcome.ts';
import { asStepError, StepError } from '../../../machines/step-error.ts';

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
const said = (reason: EndRecord['reason'], code: number, oomKills = 0): EndRecord => ({
  reason,
  code,
  oomKills,
});

const table: readonly Row[] = [
  ['an exit with 0 succeeded', died(0), said('exit', 0), 'succeeded', 0],
  ['a word that the work is done succeeded', died(0), said('done', 0), 'succeeded', 0],
  [
    'a word of success outweighs what docker says',
    died(137, { oomKilled: true }),
    said('exit', 0),
    'succeeded',
    0,
  ],
  ['a success is not undone by a helper that ran out of memory', died(0), said('exit', 0, 2), 'succeeded', 0],
  ['a word outlives its container', died(null, { reason: 'removed' }), said('exit', 0), 'succeeded', 0],
  ['a word counts without any end', null, said('exit', 5), 'failed', 5, 'exit', /^exited with 5$/],
  ['an exit with another code failed', died(3), said('exit', 3), 'failed', 3, 'exit', /^exited with 3$/],
  ['a declared failure failed', died(2), said('done', 2), 'failed', 2, 'exit'],
  [
    '127 is explained',
    died(127),
    said('exit', 127),
    'failed',
    127,
    'exit',
    /command not found in the container/,
  ],
  ['126 is explained', died(126), said('exit', 126), 'failed', 126, 'exit', /cannot be executed/],
  [
    'an exit with 137 after an OOM kill ran out of memory',
    died(137),
    said('exit', 137, 1),
    'failed',
    137,
    'outOfMemory',
  ],
  ['an exit with 137 and no OOM kill is an exit', died(137), said('exit', 137), 'failed', 137, 'exit'],
  ['an exit with 1 after an OOM kill is an exit', died(1), said('exit', 1, 1), 'failed', 1, 'exit'],
  ['a signal is named', died(143), said('signal', 143), 'failed', 143, 'signal', /^ended by signal 15$/],
  ['a KILL by the kernel is out of memory', died(137), said('signal', 137, 1), 'failed', 137, 'outOfMemory'],
  ['a KILL by somebody is a signal', died(137), said('signal', 137), 'failed', 137, 'signal', /signal 9/],
  ['a TERM after an OOM kill is a signal', died(143), said('signal', 143, 1), 'failed', 143, 'signal'],
  ['a lost tmux', died(1), said('tmux-lost', 1), 'failed', 1, 'tmuxLost'],
  [
    'a tmux that could not start, with what it said',
    died(70),
    { ...said('tmux-lost', 70), refusal: 'cannot start tmux: error creating /tmp/tmux-0' },
    'failed',
    70,
    'tmuxLost',
    /^the container cannot run agents: cannot start tmux: error creating \/tmp\/tmux-0$/,
  ],
  ['a tmux that was killed for memory', died(1), said('tmux-lost', 1, 1), 'failed', 1, 'outOfMemory'],
  ['a deadline', died(124), said('deadline', 124), 'timedOut', 124, 'timeout', /timeouts\.run/],
  ['an idle agent', died(124), said('idle', 124), 'timedOut', 124, 'idle', /timeouts\.idle/],
  [
    'a container that nobody injected',
    died(125),
    said('never-injected', 125),
    'failed',
    125,
    'injectTimeout',
  ],
  [
    'a TERM from outside',
    died(143),
    said('term', 143),
    'failed',
    143,
    'infrastructure',
    /stopped from outside/,
  ],
  [
    'no word, out of memory',
    died(137, { oomKilled: true }),
    null,
    'failed',
    137,
    'outOfMemory',
    /Raise "memory"/,
  ],
  [
    'no word, removed',
    died(null, { reason: 'removed' }),
    null,
    'failed',
    null,
    'infrastructure',
    /removed from outside/,
  ],
  ['no word, no end', null, null, 'failed', null, 'infrastructure', /removed from outside/],
  ['no word, restarted', died(0, { reason: 'restarted' }), null, 'failed', 0, 'infrastructure', /restarted/],
  [
    'no word, and docker says 0: no success',
    died(0),
    null,
    'failed',
    0,
    'infrastructure',
    /exited with 0 but wrote no end record/,
  ],
  [
    'no word, killed',
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

const trouble = (kind: 'authentication' | 'quota', until: number | null, code = 1): EndRecord => ({
  ...said('exit', code),
  providerFailure: { kind, message: 'what it said', until },
});

test('the failure that an AI CLI reports is the reason, unless it has succeeded', t => {
  t.like(toOutcome(died(1), trouble('authentication', null)), {
    status: 'failed',
    error: { kind: 'authentication', message: 'what it said' },
  });
  t.is(toOutcome(died(0), trouble('authentication', null, 0)).status, 'succeeded');
});

test('only a quota with a known reset time is waited for, and such an attempt is not counted', t => {
  const known = toOutcome(died(1), trouble('quota', 60_000));
  const unknown = toOutcome(died(1), trouble('quota', null));
  const failed = toOutcome(died(1), said('exit', 1));
  t.deepEqual([known, unknown, failed].map(quotaResetAt), [60_000, null, null]);
  t.false('waitUntil' in unknown.error!);
  t.is(quotaResetAt(toOutcome(died(1), trouble('authentication', 60_000))), null);
  t.is(countedAttempts(4, [known, failed, known]), 2);
});

const day = 24 * 3_600_000;
const finished = 1_000 * day;

test('a quota whose reported reset time has passed is not waited for: the attempt has failed, and counts', t => {
  for (const until of [0, 1, finished - day, finished]) {
    const outcome = toOutcome(died(1, { at: finished, finishedAt: finished }), trouble('quota', until));
    t.like(outcome, { status: 'failed', error: { kind: 'exit' } });
    t.is(quotaResetAt(outcome), null);
    t.true(isRetryable(outcome));
    t.is(countedAttempts(1, [outcome]), 1);
  }
});

test('a quota is waited for for days, not for weeks, and the message has the length of the wait', t => {
  const after = (ms: number) =>
    toOutcome(died(1, { at: finished, finishedAt: finished }), trouble('quota', finished + ms));
  for (const ms of [1, 5 * 3_600_000, 7 * day, 8 * day]) t.is(quotaResetAt(after(ms)), finished + ms);
  for (const ms of [8 * day + 1, 30 * day, 8.64e15]) {
    t.is(quotaResetAt(after(ms)), null);
    t.false(isRetryable(after(ms)));
  }
  t.like(after(30 * day), {
    status: 'failed',
    error: {
      kind: 'quota',
      message: 'what it said. That is in 30 days, and a run waits for 8 at most. Run it again then',
    },
  });
});

test('a quota is waited for ten times at most; attempts that failed otherwise do not count as waits', t => {
  const waits = (count: number) =>
    Array.from({ length: count }, () => toOutcome(died(1), trouble('quota', 60_000)));
  const failed = Array.from({ length: 20 }, () => toOutcome(died(1), said('exit', 1)));
  const next = (count: number) => toOutcome(died(1), trouble('quota', 60_000), [...failed, ...waits(count)]);
  t.is(quotaResetAt(next(9)), 60_000);
  t.is(quotaResetAt(next(10)), null);
  t.is(next(10).error?.kind, 'quota');
  t.regex(next(10).error!.message, /^what it said\. It has waited for its quota 10 times/);
});

test("the wait for a quota is measured by the engine's clock, and waited for by ours", t => {
  const hour = 3_600_000;
  for (const skew of [-9 * hour, -hour, -5_000, 5_000, hour, 9 * hour]) {
    const engineAt = finished + skew;
    const end = died(1, { at: finished, finishedAt: engineAt });
    t.is(quotaResetAt(toOutcome(end, trouble('quota', engineAt + hour))), finished + hour);
    t.is(quotaResetAt(toOutcome(end, trouble('quota', engineAt - 1))), null);
  }
  t.is(quotaResetAt(toOutcome(null, trouble('quota', finished))), null);
});

const retried: Readonly<Record<FailureKind, boolean>> = {
  exit: true,
  signal: true,
  tmuxLost: true,
  outOfMemory: true,
  injectTimeout: true,
  infrastructure: true,
  timeout: false,
  idle: false,
  image: false,
  gpu: false,
  network: false,
  workspace: false,
  authentication: false,
  quota: false,
  budget: false,
  needsInput: false,
  missingSecret: false,
  outOfResources: false,
  nameConflict: false,
  docker: false,
  unreachable: false,
  transient: false,
  dependency: false,
  internal: false,
};

test('a new attempt follows a failure of the agent or of its infrastructure, and no other', t => {
  for (const [kind, may] of Object.entries(retried)) {
    const outcome = (status: Status): Outcome => ({
      status,
      exitCode: null,
      error: { phase: 'running', kind: kind as FailureKind, message: kind },
    });
    t.is(isRetryable(outcome('failed')), may, kind);
    for (const status of ['succeeded', 'timedOut', 'cancelled', 'skipped'] as const)
      t.false(isRetryable(outcome(status)), `${status} ${kind}`);
  }
  t.false(isRetryable({ status: 'failed', exitCode: 1, error: null }));
});

test('a StepError without a time, and the error of a command, are stamped with the time of the failure', t => {
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

test('a StepError is returned as it is, and anything else that is thrown becomes internal', t => {
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
