import test from 'ava';
import type { Reconciliation } from '../../../machines/agent-types.ts';
import type { ContainerFact } from '../../../src/recovery/container-fact.ts';
import { type ReconcilePlan, reconcile } from '../../../src/recovery/reconcile.ts';
import { type AgentRecord, emptyRecord } from '../../../src/recovery/record.ts';

const plan: ReconcilePlan = { retries: 1, keep: 'never', specHash: 'spec' };
const now = 1_000_000;
const fact: ContainerFact = {
  id: 'c1',
  ours: true,
  attempt: 1,
  specHash: 'spec',
  state: 'running',
  exitCode: 0,
  oomKilled: false,
  startedAt: 500_000,
  finishedAt: -1,
};
const created: ContainerFact = { ...fact, state: 'created', startedAt: -1 };
const exited: ContainerFact = { ...fact, state: 'exited', exitCode: 7, finishedAt: 900_000 };
const requested: AgentRecord = { ...emptyRecord, createAsked: true };
const known: AgentRecord = { ...requested, containerId: 'c1', startAsked: true };
const injected: AgentRecord = { ...known, injectedAt: 501_000, startedAt: 500_000 };
const failed = {
  status: 'failed',
  exitCode: 7,
  error: { phase: 'running', kind: 'exit', message: 'x' },
} as const;
const quotaExhausted = {
  status: 'failed',
  exitCode: 1,
  error: { phase: 'running', kind: 'quota', message: 'quota exhausted', until: 60_000 },
} as const;
const lostHost = {
  status: 'failed',
  exitCode: null,
  error: { phase: 'running', kind: 'hostLost', message: 'unreachable for 10m' },
} as const;
/** So many attempts whose hosts were lost. */
const lostHosts = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ attempt: index + 1, containerId: null, ...lostHost }));
const succeeded = { status: 'succeeded', exitCode: 0, error: null } as const;

type Row = readonly [
  title: string,
  record: AgentRecord,
  facts: readonly ContainerFact[],
  expected: Partial<Reconciliation>,
  plan?: Partial<ReconcilePlan>,
];

const passed = { status: 'passed', exitCode: 0, reason: null } as const;
const notPassed = { status: 'failed', exitCode: 1, reason: 'it exited with 1' } as const;
const check = { rounds: 2 };
/** The first round has ended, and nothing of its container is left. */
const round: AgentRecord = { ...injected, attemptOutcome: succeeded };
const lastRound: AgentRecord = {
  ...round,
  ...{ attempt: 2, round: 2, containerId: 'c2' },
  attempts: [{ attempt: 1, containerId: 'c1', ...succeeded }],
};

const checks: readonly Row[] = [
  [
    'succeeded, nothing left, not checked: check',
    round,
    [],
    { enter: 'checking', outcome: succeeded, attempt: 1, round: 1, checkResult: null },
    { check },
  ],
  [
    'succeeded, its container is left: remove it before the check',
    round,
    [{ ...exited, exitCode: 0 }],
    { enter: 'removing', outcome: succeeded, checkResult: null },
    { check },
  ],
  [
    'succeeded, kept, not checked: check',
    round,
    [{ ...exited, exitCode: 0 }],
    { enter: 'checking', outcome: succeeded },
    { check, keep: 'always' },
  ],
  [
    'a passed check: done',
    { ...round, checkResult: passed },
    [],
    { enter: 'done', outcome: succeeded },
    { check },
  ],
  [
    'a passed check of a cancelled agent: done, and succeeded',
    { ...round, checkResult: passed, cancelled: true },
    [],
    { enter: 'done', outcome: succeeded },
    { check },
  ],
  [
    'a check that did not pass, rounds left: the next round in a new attempt',
    { ...round, checkResult: notPassed },
    [],
    {
      ...{ enter: 'building', attempt: 2, round: 2, containerId: null, injectedAt: null, checkResult: null },
      ...{ outcome: null, end: null, started: false, inDoubt: false },
      attempts: [{ attempt: 1, containerId: 'c1', ...succeeded }],
    },
    { check },
  ],
  [
    'a check that did not pass, rounds left, to be scheduled: place the next round',
    { ...round, checkResult: notPassed },
    [],
    { enter: 'placing', attempt: 2, round: 2 },
    { check, isScheduled: true },
  ],
  [
    'a check that did not pass in the last round: done, failed',
    { ...lastRound, checkResult: notPassed },
    [],
    {
      enter: 'done',
      outcome: {
        status: 'failed',
        exitCode: 0,
        error: {
          ...{ phase: 'checking', kind: 'check', exitCode: 1 },
          message: 'its check did not pass in round 2 of 2: it exited with 1',
        },
      },
    },
    { check },
  ],
  [
    'cancelled, not checked: done, cancelled',
    { ...round, cancelled: true },
    [],
    { enter: 'done', outcome: { status: 'cancelled', exitCode: null, error: null } },
    { check },
  ],
  [
    'cancelled between two rounds: done, cancelled',
    { ...round, checkResult: notPassed, cancelled: true },
    [],
    { enter: 'done', outcome: { status: 'cancelled', exitCode: null, error: null } },
    { check },
  ],
  [
    'a container of a later attempt, and the check of the one before: its round',
    { ...round, checkResult: notPassed },
    [{ ...fact, id: 'c2', attempt: 2 }],
    { enter: 'waitingForTmux', attempt: 2, round: 2, checkResult: null },
    { check },
  ],
  [
    'a failed attempt of a later round: retry in the same round',
    { ...lastRound, attemptOutcome: failed },
    [],
    { enter: 'retrying', attempt: 2, round: 2 },
    { check, retries: 1 },
  ],
  [
    'a failed attempt after a round without retries left: done',
    { ...lastRound, attemptOutcome: failed },
    [],
    { enter: 'done', outcome: failed },
    { check, retries: 0 },
  ],
];

const badOutput = {
  status: 'failed',
  exitCode: 0,
  error: { phase: 'running', kind: 'output', message: 'x', correctable: true },
} as const;
const finalOutput = { ...badOutput, error: { phase: 'running', kind: 'output', message: 'x' } } as const;
const corrected: AgentRecord = {
  ...injected,
  ...{ attempt: 2, containerId: 'c2', attemptOutcome: finalOutput },
  attempts: [{ attempt: 1, containerId: 'c1', ...badOutput }],
};

const corrections: readonly Row[] = [
  [
    'an output that does not count, nothing left: correct it in a new attempt of the same round',
    { ...injected, attemptOutcome: badOutput },
    [],
    {
      ...{ enter: 'building', attempt: 2, round: 1, containerId: null, injectedAt: null, outcome: null },
      attempts: [{ attempt: 1, containerId: 'c1', ...badOutput }],
    },
    { retries: 0 },
  ],
  [
    'an output that does not count, with a scheduler: place its correction',
    { ...injected, attemptOutcome: badOutput },
    [],
    { enter: 'placing', attempt: 2 },
    { retries: 0, isScheduled: true },
  ],
  [
    'an output that does not count, its container left: remove it first',
    { ...injected, attemptOutcome: badOutput },
    [{ ...exited, exitCode: 0 }],
    { enter: 'removing', outcome: badOutput },
  ],
  [
    'an output that does not count, cancelled: done',
    { ...injected, attemptOutcome: badOutput, cancelled: true },
    [],
    { enter: 'done', outcome: badOutput },
    { retries: 3 },
  ],
  ['a correction that fails: done', corrected, [], { enter: 'done', outcome: finalOutput }, { retries: 0 }],
  [
    'a correction that fails, with a retry left: retry',
    corrected,
    [],
    { enter: 'retrying', attempt: 2 },
    { retries: 1 },
  ],
];

const table: readonly Row[] = [
  ...checks,
  ...corrections,
  [
    'no container and an empty record: build',
    emptyRecord,
    [],
    { enter: 'building', attempt: 1, containerId: null, inDoubt: false },
  ],
  [
    'no container, but a create was requested: build, in doubt',
    requested,
    [],
    { enter: 'building', inDoubt: true },
  ],
  [
    'no container, to be scheduled: place',
    emptyRecord,
    [],
    { enter: 'placing', attempt: 1, containerId: null, inDoubt: false },
    { isScheduled: true },
  ],
  [
    'no container, placed before: place again, since the host may have no room by now',
    { ...emptyRecord, attempt: 2, host: 'h1' },
    [],
    { enter: 'placing', attempt: 2 },
    { isScheduled: true },
  ],
  [
    'no container, but a create was requested on a host: build there, in doubt',
    { ...requested, host: 'h1' },
    [],
    { enter: 'building', inDoubt: true },
    { isScheduled: true },
  ],
  [
    'a container, to be scheduled: keep it where it is',
    { ...injected, host: 'h1' },
    [fact],
    { enter: 'running', containerId: 'c1' },
    { isScheduled: true },
  ],
  [
    'cancelled before it was placed: done',
    { ...emptyRecord, cancelled: true },
    [],
    { enter: 'done', outcome: cancelled() },
    { isScheduled: true },
  ],
  [
    'created and never started: start',
    known,
    [created],
    { enter: 'starting', containerId: 'c1', started: false },
  ],
  [
    'created, but its id is not recorded: start',
    requested,
    [created],
    { enter: 'starting', containerId: 'c1' },
  ],
  [
    'running, injection not recorded: inject again, which is fenced',
    known,
    [fact],
    { enter: 'waitingForTmux', started: true },
  ],
  ['running and injected: watch', injected, [fact], { enter: 'running', injectedAt: 501_000 }],
  ['paused: watch', injected, [{ ...fact, state: 'paused' }], { enter: 'running' }],
  [
    'exited while no supervisor ran: collect',
    injected,
    [exited],
    {
      enter: 'collecting',
      end: { exitCode: 7, oomKilled: false, reason: 'died', at: now, finishedAt: 900_000 },
    },
  ],
  [
    'dead while no supervisor ran: collect',
    injected,
    [{ ...exited, state: 'dead', oomKilled: true }],
    {
      enter: 'collecting',
      end: { exitCode: 7, oomKilled: true, reason: 'died', at: now, finishedAt: 900_000 },
    },
  ],
  ['exited before its injection was recorded: collect', known, [exited], { enter: 'collecting' }],
  [
    'restarted from outside (StartedAt changed): stop',
    injected,
    [{ ...fact, startedAt: 600_000 }],
    { enter: 'stopping', outcome: infrastructure('restarted') },
  ],
  [
    'restarted from outside before its injection was recorded (FinishedAt is set): stop',
    known,
    [{ ...fact, finishedAt: 900_000 }],
    { enter: 'stopping', outcome: infrastructure('restarted') },
  ],
  [
    'restarted from outside and exited: collect',
    injected,
    [{ ...exited, startedAt: 600_000 }],
    { enter: 'collecting', outcome: infrastructure('restarted') },
  ],
  [
    'removed from outside: fail without a new container',
    injected,
    [],
    { enter: 'removing', containerId: null, outcome: infrastructure('removed') },
  ],
  [
    'being removed: remove, in doubt',
    injected,
    [{ ...fact, state: 'removing' }],
    { enter: 'removing', containerId: 'c1', inDoubt: true },
  ],
  [
    'two containers: use the one in the journal',
    injected,
    [{ ...fact, id: 'c0' }, fact],
    { enter: 'running', containerId: 'c1' },
  ],
  [
    'two containers, none in the journal: use the one that is furthest',
    requested,
    [{ ...created, id: 'c0' }, fact],
    { enter: 'waitingForTmux', containerId: 'c1' },
  ],
  [
    'wrong spec hash, running: stop',
    injected,
    [{ ...fact, specHash: 'other' }],
    { enter: 'stopping', outcome: infrastructure('another spec') },
  ],
  [
    'wrong spec hash, created: remove',
    requested,
    [{ ...created, specHash: 'other' }],
    { enter: 'removing', outcome: infrastructure('another spec') },
  ],
  ['wrong spec hash, exited: collect', injected, [{ ...exited, specHash: 'other' }], { enter: 'collecting' }],
  [
    'a foreign container with our name: refuse it, and never return its id',
    emptyRecord,
    [{ ...fact, ours: false }],
    {
      enter: 'done',
      containerId: null,
      outcome: {
        status: 'failed',
        exitCode: null,
        error: {
          phase: 'reconciling',
          kind: 'nameConflict',
          message: 'its name is held by container c1, which is not ours. Rename or remove that one',
        },
      },
    },
  ],
  [
    'a foreign container beside ours: use ours',
    injected,
    [{ ...fact, id: 'f', ours: false }, fact],
    { enter: 'running', containerId: 'c1' },
  ],
  [
    'cancelled, nothing created: done',
    { ...emptyRecord, cancelled: true },
    [],
    { enter: 'done', outcome: cancelled() },
  ],
  [
    'cancelled, create requested: remove, in doubt',
    { ...requested, cancelled: true },
    [],
    { enter: 'removing', inDoubt: true, outcome: cancelled() },
  ],
  [
    'cancelled, created: remove',
    { ...known, cancelled: true },
    [created],
    { enter: 'removing', containerId: 'c1' },
  ],
  [
    'cancelled, running: stop',
    { ...injected, cancelled: true },
    [fact],
    { enter: 'stopping', cancelled: true, outcome: cancelled() },
  ],
  [
    'cancelled, exited: collect',
    { ...injected, cancelled: true },
    [exited],
    { enter: 'collecting', outcome: cancelled() },
  ],
  [
    'outcome known, container still exists: remove',
    { ...injected, attemptOutcome: succeeded },
    [exited],
    { enter: 'removing', outcome: succeeded },
  ],
  [
    'outcome known, container still runs: stop',
    { ...injected, attemptOutcome: succeeded },
    [fact],
    { enter: 'stopping', outcome: succeeded },
  ],
  [
    'finished and kept: done',
    { ...injected, attemptOutcome: succeeded },
    [exited],
    { enter: 'done', outcome: succeeded },
    { keep: 'always' },
  ],
  [
    'failed and kept on failure: done',
    { ...injected, attemptOutcome: failed },
    [exited],
    { enter: 'done' },
    { keep: 'on-failure', retries: 0 },
  ],
  [
    'succeeded, kept on failure only: remove',
    { ...injected, attemptOutcome: succeeded },
    [exited],
    { enter: 'removing' },
    { keep: 'on-failure' },
  ],
  [
    'kept, but cancelled: remove',
    { ...injected, attemptOutcome: succeeded, cancelled: true },
    [exited],
    { enter: 'removing' },
    { keep: 'always' },
  ],
  [
    'failed, removed, retries left: another attempt',
    { ...injected, attemptOutcome: failed },
    [],
    { enter: 'retrying', attempt: 1, attempts: [{ attempt: 1, containerId: 'c1', ...failed }] },
  ],
  [
    'quota exhausted: wait for it, even without retries',
    { ...injected, attemptOutcome: quotaExhausted },
    [],
    { enter: 'waitingForQuota', outcome: quotaExhausted },
    { retries: 0 },
  ],
  [
    'quota exhausted and cancelled: done',
    { ...injected, attemptOutcome: quotaExhausted, cancelled: true },
    [],
    { enter: 'done' },
  ],
  [
    'failed after a wait for its quota: retry, since the wait does not count',
    {
      ...injected,
      attempt: 2,
      attempts: [{ attempt: 1, containerId: 'c0', ...quotaExhausted }],
      attemptOutcome: failed,
    },
    [],
    { enter: 'retrying' },
    { retries: 1 },
  ],
  [
    'its host was lost, and another attempt is to follow: retry, even without retries',
    { ...injected, attemptOutcome: lostHost },
    [],
    { enter: 'retrying', outcome: lostHost, attempts: [{ attempt: 1, containerId: 'c1', ...lostHost }] },
    { retries: 0, retriesLostHost: true },
  ],
  [
    'its host was lost, and no attempt is to follow: done, even with retries',
    { ...injected, attemptOutcome: lostHost },
    [],
    { enter: 'done', outcome: lostHost },
    { retries: 5 },
  ],
  [
    'its host was lost, and it is cancelled: done',
    { ...injected, attemptOutcome: lostHost, cancelled: true },
    [],
    { enter: 'done', outcome: lostHost },
    { retriesLostHost: true },
  ],
  [
    'its 20th host was lost: retry',
    { ...injected, attempt: 20, attempts: lostHosts(19), attemptOutcome: lostHost },
    [],
    { enter: 'retrying' },
    { retriesLostHost: true },
  ],
  [
    'its 21st host was lost: done',
    { ...injected, attempt: 21, attempts: lostHosts(20), attemptOutcome: lostHost },
    [],
    { enter: 'done' },
    { retriesLostHost: true },
  ],
  [
    'failed after lost hosts: retry, since those do not count',
    { ...injected, attempt: 3, attempts: lostHosts(2), attemptOutcome: failed },
    [],
    { enter: 'retrying' },
    { retries: 1, retriesLostHost: true },
  ],
  [
    'failed for another reason, without retries: done, whatever follows a lost host',
    { ...injected, attemptOutcome: failed },
    [],
    { enter: 'done' },
    { retries: 0, retriesLostHost: true },
  ],
  [
    'failed, removed, no retries left: done',
    { ...injected, attemptOutcome: failed },
    [],
    { enter: 'done', outcome: failed },
    { retries: 0 },
  ],
  [
    'failed, removed, cancelled: done',
    { ...injected, attemptOutcome: failed, cancelled: true },
    [],
    { enter: 'done' },
  ],
  [
    'succeeded and removed, retries left: done',
    { ...injected, attemptOutcome: succeeded },
    [],
    { enter: 'done', outcome: succeeded },
  ],
  [
    'container of the second attempt, record of the first: use the second',
    injected,
    [{ ...fact, id: 'c2', attempt: 2 }],
    { enter: 'waitingForTmux', attempt: 2, containerId: 'c2', injectedAt: null },
  ],
  [
    'containers of both attempts: use the second',
    { ...injected, attempt: 2, containerId: 'c2' },
    [exited, { ...fact, id: 'c2', attempt: 2 }],
    { enter: 'running', attempt: 2, containerId: 'c2' },
  ],
];

for (const [title, record, facts, expected, more] of table)
  test(title, t => {
    const decision = reconcile({ ...plan, ...more }, record, facts, now);
    const seen = Object.fromEntries(
      Object.keys(expected).map(key => [key, decision[key as keyof Reconciliation]]),
    );
    t.deepEqual(seen, expected);
    t.not(decision.reason, '');
  });

test('every combination of record and facts keeps the invariants of reconcile', t => {
  const states = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'] as const;
  const singleFacts = states.flatMap(state =>
    [true, false].flatMap(ours =>
      ['spec', 'other'].flatMap(specHash =>
        [1, 2].flatMap(attempt =>
          [500_000, 600_000].map(startedAt => ({
            ...fact,
            state,
            ours,
            specHash,
            attempt,
            id: `${ours ? 'ours' : 'foreign'}-${state}-${attempt}`,
            startedAt: state === 'created' ? -1 : startedAt,
          })),
        ),
      ),
    ),
  );
  const factSets: ContainerFact[][] = [
    [],
    ...singleFacts.map(one => [one]),
    ...singleFacts.flatMap(a => singleFacts.filter(b => b.id !== a.id).map(b => [a, b])),
  ];
  const records = [1, 2].flatMap(attempt =>
    [null, 'ours-running-1', 'gone'].flatMap(containerId =>
      [false, true].flatMap(createAsked =>
        [null, 501_000].flatMap(injectedAt =>
          [null, failed, succeeded].flatMap(attemptOutcome =>
            [false, true].flatMap(ended =>
              [false, true].map(cancelled => ({
                ...emptyRecord,
                attempt,
                containerId,
                createAsked,
                injectedAt,
                attemptOutcome,
                cancelled,
                ended,
              })),
            ),
          ),
        ),
      ),
    ),
  );
  const plans = (['never', 'always'] as const).flatMap(keep =>
    [false, true].map(isScheduled => ({ ...plan, keep, isScheduled })),
  );
  let cases = 0;
  for (const record of records)
    for (const facts of factSets)
      for (const given of plans) {
        cases++;
        const { keep, isScheduled } = given;
        const decision = reconcile(given, record, facts, now);
        const about = () => JSON.stringify({ record, facts, decision });
        const target = facts.find(({ id }) => id === decision.containerId);
        if (decision.containerId !== null && !target?.ours) t.fail(`acts on a foreign container: ${about()}`);
        if (decision.enter === 'starting' && target?.state !== 'created')
          t.fail(`starts a container again: ${about()}`);
        if (
          decision.enter === 'starting' &&
          (record.attemptOutcome || record.cancelled) &&
          decision.attempt === record.attempt
        )
          t.fail(`starts despite an outcome or a cancel: ${about()}`);
        const mine = facts.filter(({ ours, attempt }) => ours && attempt === decision.attempt);
        const isCreating = ['placing', 'building'].includes(decision.enter);
        if (isCreating && mine.length > 0) t.fail(`creates a second container: ${about()}`);
        if (isCreating && (record.cancelled || record.attemptOutcome) && decision.attempt === record.attempt)
          t.fail(`builds despite an outcome or a cancel: ${about()}`);
        if ((isCreating || decision.enter === 'retrying') && record.cancelled)
          t.fail(`continues after a cancel: ${about()}`);
        if (decision.enter === 'placing' && (!isScheduled || decision.inDoubt || record.createAsked))
          t.fail(`places what is not scheduled, or may exist on a host: ${about()}`);
        if (decision.enter === 'building' && isScheduled && !decision.inDoubt)
          t.fail(`builds an attempt that was not placed: ${about()}`);
        const isLive = mine.some(({ state }) => ['running', 'paused', 'restarting'].includes(state));
        if (decision.enter === 'done' && isLive) t.fail(`is done while a container runs: ${about()}`);
        if (decision.enter === 'done' && mine.length > 0 && keep === 'never')
          t.fail(`leaves a container behind: ${about()}`);
        if (decision.enter === 'done' && decision.outcome === null && !record.ended)
          t.fail(`done without an outcome: ${about()}`);
        if (decision.attempt < record.attempt) t.fail(`returns an earlier attempt: ${about()}`);
      }
  t.true(cases > 100_000);
});

const hour = 3_600_000;
for (const skew of [-9 * hour, -hour, -5_000, 5_000, hour, 9 * hour])
  test(`an engine whose clock differs from ours by ${skew / 1_000} s does not affect reconcile`, t => {
    const shift = (at: number) => (at > 0 ? at + skew + 10 * hour : at);
    for (const [title, record, facts, , more] of table) {
      const skewed = facts.map(fact => ({
        ...fact,
        startedAt: shift(fact.startedAt),
        finishedAt: shift(fact.finishedAt),
      }));
      const started = record.startedAt === null ? null : shift(record.startedAt);
      const expected = reconcile({ ...plan, ...more }, record, facts, now);
      const found = reconcile({ ...plan, ...more }, { ...record, startedAt: started }, skewed, now);
      const { end, ...rest } = found;
      const { end: expectedEnd, ...expectedRest } = expected;
      t.deepEqual(rest, expectedRest, title);
      t.is(end?.at, expectedEnd?.at, title);
    }
  });

test('a container without a recorded start does not count as restarted', t => {
  for (const startedAt of [1, now - 1, now + 5_000, now + hour]) {
    const record = { ...injected, startedAt: null };
    t.is(reconcile(plan, record, [{ ...fact, startedAt }], now).enter, 'running');
    const over = reconcile(plan, record, [{ ...exited, startedAt }], now);
    t.is(over.enter, 'collecting');
    t.is(over.outcome, null);
  }
});

function infrastructure(what: string): Reconciliation['outcome'] {
  const changes = {
    restarted: 'restarted from outside',
    removed: 'removed from outside',
    'another spec': 'made from another spec',
  };
  const message = `the container was ${changes[what as keyof typeof changes]}`;
  return {
    status: 'failed',
    exitCode: null,
    error: { phase: 'reconciling', kind: 'infrastructure', message },
  };
}

function cancelled(): Reconciliation['outcome'] {
  return { status: 'cancelled', exitCode: null, error: null };
}
