import test from 'ava';
import { containerName } from '../../../src/agent-container/names.ts';
import type { Container, Containers } from '../../../src/docker/containers.ts';
import { label } from '../../../src/docker/labels.ts';
import { type AgentRecord, emptyRecord } from '../../../src/recovery/record.ts';
import { reconcileAgents } from '../../../src/run/reconcile-agents.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { agent, fakeContainers, id, identity, labels, never } from '../_helpers/actor-ports.ts';

const container = (more: Partial<Container> = {}): Partial<Container> => ({
  id,
  name: 'tmux-agent-r1234567-a-1',
  labels,
  state: 'running',
  exitCode: 0,
  oomKilled: false,
  startedAt: 5,
  finishedAt: -1,
  ...more,
});

/** Reconciles the agents `a` and `b` of a run with these containers, of which a list has name and labels. */
function desk(
  existing: Partial<Container>[],
  records: Readonly<Record<string, AgentRecord>> = {},
  isResumed = true,
  plan: Partial<AgentPlan> = {},
) {
  const { containers } = fakeContainers(existing);
  let lists = 0;
  let isHidden = false;
  const unsealed: string[][] = [];
  const reconcile = reconcileAgents({
    runId: identity.runId,
    isScheduled: false,
    isResumed,
    containers: {
      ...containers,
      list: async () => {
        lists++;
        const listed = isHidden ? [] : existing;
        return listed.map(({ id, name, labels = {} }) => ({
          id: id!,
          name: name!,
          state: 'running',
          labels: Object.entries(labels)
            .map(([key, value]) => `${key}=${value}`)
            .join(),
        }));
      },
    },
    seals: { unsealAll: found => void unsealed.push(found.map(({ id }) => id)) },
    clock: { now: () => 10 },
    record: name => records[name] ?? emptyRecord,
    agents: { plan: name => agent({ name, ...plan }), identity: (_, attempt) => ({ ...identity, attempt }) },
    signal: never,
  });
  const hide = () => {
    isHidden = true;
  };
  return { reconcile, lists: () => lists, unsealed, hide };
}

test('fresh agents begin, and share one list', async t => {
  const { reconcile, lists } = desk([]);
  const [a, b] = await Promise.all([reconcile('a', never), reconcile('b', never)]);
  t.deepEqual([a.enter, b.enter], ['building', 'building']);
  t.is((await reconcile('a', never)).enter, 'building');
  t.is(lists(), 1);
});

test('a run that begins lists no containers', async t => {
  const { reconcile, lists, unsealed } = desk([], {}, false);
  const [a, b] = await Promise.all([reconcile('a', never), reconcile('b', never)]);
  t.deepEqual([a.enter, b.enter], ['building', 'building']);
  t.is(lists(), 0);
  t.deepEqual(unsealed, []);
});

test('a run that has begun lists an agent whose create may have landed', async t => {
  const records: Record<string, AgentRecord> = {};
  const { reconcile, lists } = desk([container()], records, false);
  t.is((await reconcile('a', never)).enter, 'building');
  records.a = { ...emptyRecord, createAsked: true };
  t.like(await reconcile('a', never), { enter: 'waitingForTmux', containerId: id });
  t.is(lists(), 1);
});

test('a running container of the agent is found, and that of another agent is not', async t => {
  const { reconcile, unsealed } = desk([container()], {
    a: { ...emptyRecord, createAsked: true, startAsked: true, injectedAt: 6, containerId: id, startedAt: 5 },
  });
  t.like(await reconcile('a', never), { enter: 'running', containerId: id });
  t.is((await reconcile('b', never)).enter, 'building');
  t.deepEqual(unsealed, [[id]]);
});

test('a container that a list lacks is looked up before it is taken for removed', async t => {
  const existing = [container()];
  const known = { ...emptyRecord, createAsked: true, containerId: id };
  const { reconcile, unsealed, hide } = desk(existing, { a: known });
  hide();
  t.like(await reconcile('a', never), { enter: 'waitingForTmux', containerId: id });
  t.deepEqual(unsealed, [[], [id]]);
  existing.splice(0);
  t.like(await reconcile('a', never), { enter: 'removing', reason: 'removed from outside' });
});

test('an agent that is not fresh is listed again when it reconciles again', async t => {
  const { reconcile, lists } = desk([container()], { a: { ...emptyRecord, createAsked: true } });
  await reconcile('a', never);
  await reconcile('a', never);
  t.is(lists(), 2);
});

const lost: AgentRecord = {
  ...emptyRecord,
  createAsked: true,
  containerId: id,
  attemptOutcome: {
    status: 'failed',
    exitCode: null,
    error: { phase: 'running', kind: 'hostLost', message: 'unreachable for 10m' },
  },
};

test('an agent whose host is lost is reconciled from the journal alone: its engine is not asked', async t => {
  for (const [onHostLost, enter] of [
    ['retry', 'retrying'],
    ['fail', 'done'],
  ] as const) {
    const { reconcile, lists, unsealed } = desk([container()], { a: lost }, true, { onHostLost });
    t.like(await reconcile('a', never), { enter, outcome: lost.attemptOutcome, containerId: null });
    t.is(lists(), 0);
    t.deepEqual(unsealed, []);
  }
});

test('the attempt after a lost host, and another outcome, have their containers listed', async t => {
  const { attemptOutcome, ...begun } = lost;
  const exit = {
    status: 'failed',
    exitCode: 1,
    error: { phase: 'running', kind: 'exit', message: 'x' },
  } as const;
  for (const record of [
    { ...begun, attempt: 2, attemptOutcome: null },
    { ...begun, attemptOutcome: exit },
  ]) {
    const { reconcile, lists } = desk([container()], { a: record }, true, { onHostLost: 'retry' });
    await reconcile('a', never);
    t.is(lists(), 1);
  }
});

test('a container of the name without our labels is a conflict', async t => {
  const { reconcile } = desk([container({ labels: {} })]);
  const { enter, outcome } = await reconcile('a', never);
  t.is(enter, 'done');
  t.is(outcome?.error?.kind, 'nameConflict');
});

test('a name with another form of the attempt is no conflict', async t => {
  for (const name of ['tmux-agent-r1234567-a-01', 'tmux-agent-r1234567-a-x', 'tmux-agent-r1234567-a-1-2']) {
    const { reconcile } = desk([container({ name, labels: {} })]);
    t.is((await reconcile('a', never)).enter, 'building', name);
  }
});

test('a container of another run is neither inspected nor a conflict', async t => {
  const { reconcile, unsealed } = desk([
    container({ name: 'tmux-agent-r7654321-a-1', labels: { ...labels, 'tmux-agents.run-id': 'r7654321' } }),
  ]);
  t.is((await reconcile('a', never)).enter, 'building');
  t.deepEqual(unsealed, [[]]);
});

const { runId, instance } = identity;

const containerOf = (name: string, of: string | null, more: Partial<Container> = {}): Container => ({
  id: `id-of-${name}`,
  name,
  createdAt: 0,
  state: 'created',
  exitCode: 0,
  oomKilled: false,
  startedAt: -1,
  finishedAt: -1,
  labels:
    of === null
      ? {}
      : {
          [label.instance]: instance,
          [label.runId]: runId,
          [label.agent]: of,
          [label.attempt]: '1',
          [label.specHash]: identity.specHash,
        },
  image: 'sha256:1',
  imageName: 'image',
  networks: [],
  ...more,
});

function reconciling(existing: readonly Container[]) {
  const containers: Containers = {
    list: async () => existing.map(({ id, name }) => ({ id, name, state: 'created', labels: '' })),
    inspect: async ids => existing.filter(({ id }) => ids.includes(id)),
    remove: () => Promise.reject(new Error('nothing is removed')),
  };
  return reconcileAgents({
    runId,
    isScheduled: false,
    isResumed: true,
    containers,
    seals: { unsealAll() {} },
    clock: { now: () => 0 },
    record: () => emptyRecord,
    agents: { plan: name => agent({ name }), identity: () => identity },
    signal: never,
  });
}

const named = (name: string, attempt = 1) => containerName(runId, name, attempt);

test('an agent continues with the container that has its labels', async t => {
  const reconcile = reconciling([containerOf(named('a'), 'a'), containerOf(named('a-1'), 'a-1')]);
  t.like(await reconcile('a', never), { enter: 'starting', containerId: `id-of-${named('a')}` });
  t.like(await reconcile('a-1', never), { enter: 'starting', containerId: `id-of-${named('a-1')}` });
  t.like(await reconcile('b', never), { enter: 'building', containerId: null });
});

test('a container of another that has the name of an agent is a conflict', async t => {
  const reconcile = reconciling([containerOf(named('a'), null), containerOf(named('b'), 'c')]);
  for (const name of ['a', 'b']) {
    const { enter, outcome } = await reconcile(name, never);
    t.is(enter, 'done');
    t.is(outcome?.error?.kind, 'nameConflict');
  }
  // The labels count, whatever the name is.
  t.like(await reconcile('c', never), { enter: 'starting', containerId: `id-of-${named('b')}` });
});

test('a name that only begins like that of an agent is not a conflict', async t => {
  const reconcile = reconciling([
    containerOf(`${named('a')}-x`, null),
    containerOf(named('a').replace(/1$/, '01'), null),
  ]);
  t.like(await reconcile('a', never), { enter: 'building' });
});

test('reconciling an agent does not read the containers of others', async t => {
  let reads = 0;
  const counted = (name: string) =>
    new Proxy(containerOf(named(name), name), {
      get(target, key) {
        if (key === 'state') reads++;
        return Reflect.get(target, key);
      },
    });
  const names = Array.from({ length: 200 }, (_, index) => `a${index}`);
  const reconcile = reconciling(names.map(counted));
  await Promise.all(names.map(name => reconcile(name, never)));
  t.true(reads <= 2 * names.length, String(reads));
});
