import test from 'ava';
import type { Container } from '../../../src/docker/containers.ts';
import { type AgentRecord, emptyRecord } from '../../../src/recovery/record.ts';
import { reconcileAgents } from '../../../src/run/reconcile-agents.ts';
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
function desk(existing: Partial<Container>[], records: Readonly<Record<string, AgentRecord>> = {}) {
  const { containers } = fakeContainers(existing);
  let lists = 0;
  const unsealed: string[][] = [];
  const reconcile = reconcileAgents({
    runId: identity.runId,
    containers: {
      ...containers,
      list: async () => {
        lists++;
        return existing.map(({ id, name, labels = {} }) => ({
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
    agents: { plan: name => agent({ name }), identity: (_, attempt) => ({ ...identity, attempt }) },
    signal: never,
  });
  return { reconcile, lists: () => lists, unsealed };
}

test('fresh agents begin, and share one list', async t => {
  const { reconcile, lists } = desk([]);
  const [a, b] = await Promise.all([reconcile('a', never), reconcile('b', never)]);
  t.deepEqual([a.enter, b.enter], ['building', 'building']);
  t.is((await reconcile('a', never)).enter, 'building');
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

test('an agent that is not fresh is listed again when it reconciles again', async t => {
  const { reconcile, lists } = desk([container()], { a: { ...emptyRecord, createAsked: true } });
  await reconcile('a', never);
  await reconcile('a', never);
  t.is(lists(), 2);
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
