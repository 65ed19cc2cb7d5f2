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

test('many services are read in two calls, and one without a task is left out', async t => {
  const { docker, ids, calls } = await desk({ state: 'running', nodeId }, null, { state: 'pending' });
  calls.length = 0;
  const placings = await placingsOf(docker, ids, never);
  t.deepEqual([...placings.keys()], [ids[0]!, ids[2]!]);
  t.deepEqual(calls, [
    `service ps --quiet --no-trunc -- ${ids.join(' ')}`,
    `inspect --type=task -- task-${ids[0]} task-${ids[2]}`,
  ]);
});

test('services without any task need one call', async t => {
  const { docker, ids, calls } = await desk(null);
  calls.length = 0;
  t.is((await placingsOf(docker, ids, never)).size, 0);
  t.is(calls.length, 1);
});

test('a service that is gone does not hide the others', async t => {
  const { docker, ids } = await desk({ state: 'running', nodeId });
  const placings = await placingsOf(docker, ['gone', ...ids], never);
  t.deepEqual([...placings.keys()], ids);
  t.is((await placingsOf(docker, ['gone'], never)).size, 0);
});

test('a task that is removed between the calls is left out', async t => {
  const { docker, ids } = await desk({ state: 'running', nodeId });
  const half = fakeSwarm([], {
    respond: ([verb]) =>
      verb === 'inspect'
        ? {
            ok: false,
            stderr: 'Error: No such task: t2',
            stdout: JSON.stringify([
              { ServiceID: 's', NodeID: 'n1', DesiredState: 'running', Status: { State: 'running' } },
            ]),
          }
        : { stdout: 't1\nt2\n' },
  });
  t.is((await placingsOf(docker, ids, never)).size, 1);
  t.deepEqual([...(await placingsOf(half.docker, ['s'], never)).keys()], ['s']);
});

test('a Swarm that cannot be asked is an error', async t => {
  const failing = (verb: string, stderr: string) => {
    const { docker } = fakeSwarm([], {
      respond: ([first]) => (first === verb ? { stderr } : { stdout: 't1\n' }),
    });
    return rejection(placingsOf(docker, ['s'], never));
  };
  t.is((await failing('service', swarmMessages.leaderless)).kind, 'unreachable');
  t.is((await failing('service', swarmMessages.late)).kind, 'transient');
  t.is((await failing('service', 'what?')).kind, 'transient');
  t.is((await failing('inspect', 'Error: No such task: t1')).kind, 'transient');
});
