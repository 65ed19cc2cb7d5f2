import test from 'ava';
import type { Container, Containers } from '../../../src/docker/containers.ts';
import { containerName, label } from '../../../src/docker/labels.ts';
import { emptyRecord } from '../../../src/recovery/record.ts';
import { reconcileAgents } from '../../../src/run/reconcile-agents.ts';
import { agent, identity, never } from '../_helpers/actor-ports.ts';

const { runId, instance } = identity;

const container = (name: string, of: string | null, more: Partial<Container> = {}): Container => ({
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
  const reconcile = reconciling([container(named('a'), 'a'), container(named('a-1'), 'a-1')]);
  t.like(await reconcile('a', never), { enter: 'starting', containerId: `id-of-${named('a')}` });
  t.like(await reconcile('a-1', never), { enter: 'starting', containerId: `id-of-${named('a-1')}` });
  t.like(await reconcile('b', never), { enter: 'building', containerId: null });
});

test('a container of another that has the name of an agent is a conflict', async t => {
  const reconcile = reconciling([container(named('a'), null), container(named('b'), 'c')]);
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
    container(`${named('a')}-x`, null),
    container(named('a').replace(/1$/, '01'), null),
  ]);
  t.like(await reconcile('a', never), { enter: 'building' });
});

test('reconciling an agent does not read the containers of others', async t => {
  let reads = 0;
  const counted = (name: string) =>
    new Proxy(container(named(name), name), {
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
