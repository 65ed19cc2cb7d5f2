import test from 'ava';
import { isAvailable, listNodes } from '../../../src/swarm/nodes.ts';
import { rejection } from '../_helpers/actor-ports.ts';
import { fakeSwarm, swarmMessages, swarmNode } from '../_helpers/fake-swarm.ts';

const list = async (...nodes: Parameters<typeof fakeSwarm>[0]) => listNodes(fakeSwarm(nodes).docker);

test('a node has its context, its platform, and what there is room for', async t => {
  const node = swarmNode('n1', { context: 'build1', role: 'manager', cpus: 2.5, memory: 1024 });
  t.deepEqual(await list(node), [
    {
      ...{ id: 'n1', hostName: 'host-n1', context: 'build1', isManager: true, state: 'ready' },
      ...{ availability: 'active', platform: 'linux/amd64', cpus: 2.5, memory: 1024, hasVxlanFilter: false },
    },
  ]);
});

test('workers, nodes that are down, and other platforms are recognized', async t => {
  const [worker, down, arm, windows] = await list(
    swarmNode('n1'),
    swarmNode('n2', { state: 'down', availability: 'drain' }),
    swarmNode('n3', { architecture: 'aarch64' }),
    swarmNode('n4', { system: 'windows' }),
  );
  t.false(worker!.isManager);
  t.like(down, { state: 'down', availability: 'drain' });
  t.is(arm!.platform, 'linux/arm64');
  t.is(windows!.platform, 'windows/amd64');
});

test('a label that is not the name of a context counts as none', async t => {
  for (const context of [null, '', '--host=evil', 'a b', 'x'])
    t.is((await list(swarmNode('n1', { context })))[0]!.context, null, String(context));
});

test('a node that has never been ready has no description', async t => {
  const { Description: _, ...bare } = swarmNode('n1');
  const { Labels: __, ...Spec } = bare.Spec;
  const [node] = await list({ ...bare, Spec } as never);
  t.like(node, { hostName: '', context: null, platform: null, cpus: 0, memory: 0 });
});

test('all nodes are inspected in one call', async t => {
  const { docker, calls } = fakeSwarm([swarmNode('n1'), swarmNode('n2')]);
  t.is((await listNodes(docker)).length, 2);
  t.deepEqual(calls, ['node ls --quiet', 'node inspect -- n1 n2']);
});

test('a node that is removed meanwhile is missing, and the others are listed', async t => {
  const { docker } = fakeSwarm([swarmNode('n1')], {
    respond: ([, verb]) =>
      verb === 'inspect'
        ? { ok: false, stderr: 'Error: No such node: n2', stdout: JSON.stringify([swarmNode('n1')]) }
        : { stdout: 'n1\nn2\n' },
  });
  t.deepEqual(
    (await listNodes(docker)).map(({ id }) => id),
    ['n1'],
  );
});

test('a failure to list or to inspect the nodes is an error with the reason', async t => {
  const failing = (verb: string, stderr: string) =>
    rejection(
      listNodes(
        fakeSwarm([swarmNode('n1')], { respond: args => (args[1] === verb ? { stderr } : undefined) }).docker,
      ),
    );
  t.like(await failing('ls', swarmMessages.leaderless), { kind: 'unreachable' });
  const worker = await failing('ls', swarmMessages.worker);
  t.is(worker.kind, 'docker');
  t.regex(worker.message, /^could not list the nodes of the Swarm: This node is not a swarm manager/);
  const inspect = await failing('inspect', 'Error response from daemon: what?');
  t.like(inspect, { kind: 'transient', message: 'could not inspect the nodes of the Swarm: what?' });
});

test('output that cannot be read is a transient error', async t => {
  for (const stdout of ['[{"ID":"n1"', '[{"ID":"n1"}]']) {
    const { docker } = fakeSwarm([swarmNode('n1')], {
      respond: ([, verb]) => (verb === 'inspect' ? { stdout } : undefined),
    });
    t.is((await rejection(listNodes(docker))).kind, 'transient');
  }
});

test('only a node that is ready and active is available', async t => {
  const states = [
    ['ready', 'active'],
    ['down', 'active'],
    ['ready', 'pause'],
    ['ready', 'drain'],
  ] as const;
  const nodes = await list(
    ...states.map(([state, availability], index) => swarmNode(`n${index}`, { state, availability })),
  );
  t.deepEqual(nodes.map(isAvailable), [true, false, false, false]);
});
