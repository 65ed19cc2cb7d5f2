import test from 'ava';
import type { Reconciliation } from '../../../machines/agent-types.ts';
import { type ContainerFact, type ReconcilePlan, reconcile } from '../../../src/recovery/reconcile.ts';
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
const asked: AgentRecord = { ...emptyRecord, createAsked: true };
const known: AgentRecord = { ...asked, containerId: 'c1', startAsked: true };
const injected: AgentRecord = { ...known, injectedAt: 501_000, startedAt: 500_000 };
const failed = {
  status: 'failed',
  exitCode: 7,
  error: { phase: 'running', kind: 'exit', message: 'x' },
} as const;
const usedUp = {
  status: 'failed',
  exitCode: 1,
  error: { phase: 'running', kind: 'quota', message: 'used up', until: 60_000 },
} as const;
const succeeded = { status: 'succeeded', exitCode: 0, error: null } as const;

type Row = readonly [
  title: string,
  record: AgentRecord,
  facts: readonly ContainerFact[],
  expected: Partial<Reconciliation>,
  plan?: Partial<ReconcilePlan>,
];

const table: readonly Row[] = [
  [
    'no container, nothing remembered: from the beginning',
    emptyRecord,
    [],
    { enter: 'building', attempt: 1, containerId: null, inDoubt: false },
  ],
  [
    'no container, a create was asked for: create again by the same name',
    asked,
    [],
    { enter: 'building', inDoubt: true },
  ],
  [
    'created, never started: start it',
    known,
    [created],
    { enter: 'starting', containerId: 'c1', started: false },
  ],
  [
    'created before the answer was remembered: start it',
    asked,
    [created],
    { enter: 'starting', containerId: 'c1' },
  ],
  [
    'running, injection not remembered: ask again, it is fenced',
    known,
    [fact],
    { enter: 'waitingForTmux', started: true },
  ],
  ['running, injected: watch on', injected, [fact], { enter: 'running', injectedAt: 501_000 }],
  ['paused: watch on', injected, [{ ...fact, state: 'paused' }], { enter: 'running' }],
  [
    'exited while we were away: collect',
    injected,
    [exited],
    {
      enter: 'collecting',
      end: { exitCode: 7, oomKilled: false, reason: 'died', at: now, finishedAt: 900_000 },
    },
  ],
  [
    'dead while we were away: collect',
    injected,
    [{ ...exited, state: 'dead', oomKilled: true }],
    {
      enter: 'collecting',
      end: { exitCode: 7, oomKilled: true, reason: 'died', at: now, finishedAt: 900_000 },
    },
  ],
  [
    'exited before its injection was remembered: collect, never start again',
    known,
    [exited],
    { enter: 'collecting' },
  ],
  [
    'restarted by somebody (StartedAt moved): stop it',
    injected,
    [{ ...fact, startedAt: 600_000 }],
    { enter: 'stopping', outcome: infrastructure('restarted') },
  ],
  [
    'restarted by somebody before its injection was remembered (it has an end behind it): stop it',
    known,
    [{ ...fact, finishedAt: 900_000 }],
    { enter: 'stopping', outcome: infrastructure('restarted') },
  ],
  [
    'restarted by somebody and over: collect',
    injected,
    [{ ...exited, startedAt: 600_000 }],
    { enter: 'collecting', outcome: infrastructure('restarted') },
  ],
  [
    'removed by hand: a failure, never a new container',
    injected,
    [],
    { enter: 'removing', containerId: null, outcome: infrastructure('removed') },
  ],
  [
    'being removed: wait for it',
    injected,
    [{ ...fact, state: 'removing' }],
    { enter: 'removing', containerId: 'c1', inDoubt: true },
  ],
  [
    'two containers: the one that the journal names',
    injected,
    [{ ...fact, id: 'c0' }, fact],
    { enter: 'running', containerId: 'c1' },
  ],
  [
    'two containers, none in the journal: the one that has come furthest',
    asked,
    [{ ...created, id: 'c0' }, fact],
    { enter: 'waitingForTmux', containerId: 'c1' },
  ],
  [
    'wrong spec hash, running: stop it',
    injected,
    [{ ...fact, specHash: 'other' }],
    { enter: 'stopping', outcome: infrastructure('another spec') },
  ],
  [
    'wrong spec hash, created: remove it',
    asked,
    [{ ...created, specHash: 'other' }],
    { enter: 'removing', outcome: infrastructure('another spec') },
  ],
  ['wrong spec hash, over: collect', injected, [{ ...exited, specHash: 'other' }], { enter: 'collecting' }],
  [
    'a foreign container with our name: refused, and never named for removal',
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
    'a foreign container beside ours: ours',
    injected,
    [{ ...fact, id: 'f', ours: false }, fact],
    { enter: 'running', containerId: 'c1' },
  ],
  [
    'cancel journalled, nothing made: over',
    { ...emptyRecord, cancelled: true },
    [],
    { enter: 'done', outcome: cancelled() },
  ],
  [
    'cancel journalled, a create may still land: look for it',
    { ...asked, cancelled: true },
    [],
    { enter: 'removing', inDoubt: true, outcome: cancelled() },
  ],
  [
    'cancel journalled, created: remove',
    { ...known, cancelled: true },
    [created],
    { enter: 'removing', containerId: 'c1' },
  ],
  [
    'cancel journalled, running: stop',
    { ...injected, cancelled: true },
    [fact],
    { enter: 'stopping', cancelled: true, outcome: cancelled() },
  ],
  [
    'cancel journalled, exited: collect',
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
    'finished and kept: over',
    { ...injected, attemptOutcome: succeeded },
    [exited],
    { enter: 'done', outcome: succeeded },
    { keep: 'always' },
  ],
  [
    'finished and kept on failure: over',
    { ...injected, attemptOutcome: failed },
    [exited],
    { enter: 'done' },
    { keep: 'on-failure', retries: 0 },
  ],
  [
    'succeeded, to be kept on failure only: remove',
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
    'its plan is used up for a while: wait for it, whatever retries are left',
    { ...injected, attemptOutcome: usedUp },
    [],
    { enter: 'waitingForQuota', outcome: usedUp },
    { retries: 0 },
  ],
  [
    'its plan is used up, cancelled: over',
    { ...injected, attemptOutcome: usedUp, cancelled: true },
    [],
    { enter: 'done' },
  ],
  [
    'failed after a wait for its plan: the attempt that met its end is not counted',
    {
      ...injected,
      attempt: 2,
      attempts: [{ attempt: 1, containerId: 'c0', ...usedUp }],
      attemptOutcome: failed,
    },
    [],
    { enter: 'retrying' },
    { retries: 1 },
  ],
  [
    'failed, removed, no retries left: over',
    { ...injected, attemptOutcome: failed },
    [],
    { enter: 'done', outcome: failed },
    { retries: 0 },
  ],
  [
    'failed, removed, cancelled: no other attempt',
    { ...injected, attemptOutcome: failed, cancelled: true },
    [],
    { enter: 'done' },
  ],
  [
    'succeeded and removed: over, though retries are left',
    { ...injected, attemptOutcome: succeeded },
    [],
    { enter: 'done', outcome: succeeded },
  ],
  [
    'the second attempt is there, the record knows of the first: the second',
    injected,
    [{ ...fact, id: 'c2', attempt: 2 }],
    { enter: 'waitingForTmux', attempt: 2, containerId: 'c2', injectedAt: null },
  ],
  [
    'a left-over of the first attempt beside the second: the second',
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

test('facts × record × cancel: never removes what is not ours, never starts twice, always acts on what is not final', t => {
  const states = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'] as const;
  const oneOf = states.flatMap(state =>
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
    ...oneOf.map(one => [one]),
    ...oneOf.flatMap(a => oneOf.filter(b => b.id !== a.id).map(b => [a, b])),
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
  let cases = 0;
  for (const record of records)
    for (const facts of factSets)
      for (const keep of ['never', 'always'] as const) {
        cases++;
        const decision = reconcile({ ...plan, keep }, record, facts, now);
        const about = () => JSON.stringify({ record, facts, decision });
        const chosen = facts.find(({ id }) => id === decision.containerId);
        if (decision.containerId !== null && !chosen?.ours) t.fail(`acts on what is not ours: ${about()}`);
        if (decision.enter === 'starting' && chosen?.state !== 'created')
          t.fail(`starts what has run: ${about()}`);
        if (
          decision.enter === 'starting' &&
          (record.attemptOutcome || record.cancelled) &&
          decision.attempt === record.attempt
        )
          t.fail(`starts what is decided: ${about()}`);
        const mine = facts.filter(({ ours, attempt }) => ours && attempt === decision.attempt);
        if (decision.enter === 'building' && mine.length > 0) t.fail(`makes a second container: ${about()}`);
        if (
          decision.enter === 'building' &&
          (record.cancelled || record.attemptOutcome) &&
          decision.attempt === record.attempt
        )
          t.fail(`builds what is decided: ${about()}`);
        if (['building', 'retrying'].includes(decision.enter) && record.cancelled)
          t.fail(`goes on after a cancel: ${about()}`);
        const living = mine.some(({ state }) => ['running', 'paused', 'restarting'].includes(state));
        if (decision.enter === 'done' && living) t.fail(`is done while it lives: ${about()}`);
        if (decision.enter === 'done' && mine.length > 0 && keep === 'never')
          t.fail(`leaves one behind: ${about()}`);
        if (decision.enter === 'done' && decision.outcome === null && !record.ended)
          t.fail(`done without an outcome: ${about()}`);
        if (decision.attempt < record.attempt) t.fail(`goes back: ${about()}`);
      }
  t.true(cases > 100_000);
});

const hour = 3_600_000;
for (const skew of [-9 * hour, -hour, -5_000, 5_000, hour, 9 * hour])
  test(`an engine whose clock differs from ours by ${skew / 1_000} s changes no decision`, t => {
    const shift = (at: number) => (at > 0 ? at + skew + 10 * hour : at);
    for (const [title, record, facts, , more] of table) {
      const skewed = facts.map(fact => ({
        ...fact,
        startedAt: shift(fact.startedAt),
        finishedAt: shift(fact.finishedAt),
      }));
      const started = record.startedAt === null ? null : shift(record.startedAt);
      const usual = reconcile({ ...plan, ...more }, record, facts, now);
      const found = reconcile({ ...plan, ...more }, { ...record, startedAt: started }, skewed, now);
      const { end, ...rest } = found;
      const { end: usualEnd, ...usualRest } = usual;
      t.deepEqual(rest, usualRest, title);
      t.is(end?.at, usualEnd?.at, title);
    }
  });

test('one whose start was never recorded is not taken for restarted, whatever the clocks', t => {
  for (const startedAt of [1, now - 1, now + 5_000, now + hour]) {
    const record = { ...injected, startedAt: null };
    t.is(reconcile(plan, record, [{ ...fact, startedAt }], now).enter, 'running');
    const over = reconcile(plan, record, [{ ...exited, startedAt }], now);
    t.is(over.enter, 'collecting');
    t.is(over.outcome, null);
  }
});

function infrastructure(what: string): Reconciliation['outcome'] {
  const said = {
    restarted: 'restarted from outside',
    removed: 'removed from outside',
    'another spec': 'made from another spec',
  };
  const message = `the container was ${said[what as keyof typeof said]}`;
  return {
    status: 'failed',
    exitCode: null,
    error: { phase: 'reconciling', kind: 'infrastructure', message },
  };
}

function cancelled(): Reconciliation['outcome'] {
  return { status: 'cancelled', exitCode: null, error: null };
}
