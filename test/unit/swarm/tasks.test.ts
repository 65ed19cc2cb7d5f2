import test from 'ava';
import { placingsOf } from '../../../src/swarm/tasks.ts';
import { never, rejection } from '../_helpers/actor-ports.ts';
import { type FakeTask, fakeSwarm, swarmMessages, swarmNode } from '../_helpers/fake-swarm.ts';

/** A Swarm with one service `s` for each task. */
async function desk(...tasks: (FakeTask | null)[]) {
  const left = [...tasks];
  const swarm = fakeSwarm([swarmNode('n1')], { schedule: () => left.shift() ?? null });
  for (const [index] of tasks.entries()) await swarm.docker(['service', 'create', `--name=s${index}`]);
  return { ...swarm, ids: [...swarm.services.values()].map(({ id }) => id) };
}

const placingOf = async (task: FakeTask) => {
  const { docker, ids } = await desk(task);
  return (await placingsOf(docker, ids, never)).get(ids[0]!);
};
const nodeId = 'n1';

test('a task that Swarm looks a node for is pending, with its reason', async t => {
  for (const state of ['new', 'allocated', 'pending']) {
    t.deepEqual(await placingOf({ state }), { type: 'pending', reason: '' });
    const error = 'no suitable node (insufficient resources on 3 nodes)';
    t.deepEqual(await placingOf({ state, error }), { type: 'pending', reason: error });
  }
});

test('a task that has a node is placed, before it runs as well', async t => {
  for (const state of ['assigned', 'accepted', 'preparing', 'ready', 'starting', 'running'])
    t.deepEqual(await placingOf({ state, nodeId }), { type: 'placed', nodeId });
});

test('a task that has ended, or is to end, keeps no room', async t => {
  for (const state of ['rejected', 'failed', 'complete', 'shutdown', 'orphaned', 'remove', 'unknown'])
    t.deepEqual(await placingOf({ state, nodeId }), { type: 'over', nodeId, reason: state });
  t.deepEqual(await placingOf({ state: 'running', desiredState: 'shutdown', nodeId }), {
    ...{ type: 'over', nodeId, reason: 'running' },
  });
  t.deepEqual(await placingOf({ state: 'pending', desiredState: 'shutdown' }), {
    ...{ type: 'over', nodeId: null, reason: 'pending' },
  });
  t.deepEqual(await placingOf({ state: 'running' }), { type: 'over', nodeId: null, reason: 'running' });
});

test('the reason of a refused task is that of Swarm', async t => {
  const error = 'No such image: tmux-agents-pause:latest';
  t.deepEqual(await placingOf({ state: 'rejected', desiredState: 'shutdown', nodeId, error }), {
    ...{ type: 'over', nodeId, reason: `rejected: ${error}` },
  });
});

test('many services are read in one call, and one without a task is left out', async t => {
  const { docker, ids, calls } = await desk({ state: 'running', nodeId }, null, { state: 'pending' });
  calls.length = 0;
  const placings = await placingsOf(docker, ids, never);
  t.deepEqual([...placings.keys()], [ids[0]!, ids[2]!]);
  t.deepEqual(calls, [`service ps --no-resolve --no-trunc --format={{json .}} -- ${ids.join(' ')}`]);
});

test('no call is about more than 1,000 services', async t => {
  const { docker, ids, calls } = await desk(...Array<FakeTask>(2_001).fill({ state: 'running', nodeId }));
  calls.length = 0;
  t.is((await placingsOf(docker, ids, never)).size, 2_001);
  t.deepEqual(
    calls.map(call => call.split(' -- ')[1]!.split(' ').length),
    [1_000, 1_000, 1],
  );
});

test('a service that is gone was removed, and does not hide the others', async t => {
  const { docker, ids } = await desk({ state: 'running', nodeId }, null);
  const removed = { type: 'over', nodeId: null, reason: 'it was removed' };
  const placings = await placingsOf(docker, ['gone', ...ids], never);
  t.deepEqual(
    [...placings],
    [
      ['gone', removed],
      [ids[0]!, { type: 'placed', nodeId }],
    ],
  );
  t.deepEqual(
    [...(await placingsOf(docker, ['gone', 'too'], never))],
    [
      ['gone', removed],
      ['too', removed],
    ],
  );
});

test('a Swarm that cannot be asked is an error, and so is output that cannot be read', async t => {
  const failing = (result: object) => {
    const { docker } = fakeSwarm([], { respond: () => result });
    return rejection(placingsOf(docker, ['s'], never));
  };
  t.is((await failing({ stderr: swarmMessages.leaderless })).kind, 'unreachable');
  t.is((await failing({ stderr: swarmMessages.late })).kind, 'transient');
  t.is((await failing({ stderr: 'what?' })).kind, 'transient');
  t.is((await failing({ stdout: '{"Name":"s.1","Node"' })).kind, 'transient');
});
