import test from 'ava';
import { releaseSwarm, type SwarmRelease } from '../../../src/run/release-swarm.ts';
import { fakeClient } from '../_helpers/actor-ports.ts';

interface Situation {
  /** Ids of the networks that the manager lists, by call; the last one goes on. */
  readonly lists?: readonly (readonly string[])[];
  /** The error of each removal of a network, in this order. */
  readonly failures?: readonly string[];
  /** Ids of containers on the network, on a worker. */
  readonly users?: readonly string[];
  readonly isLeaderless?: boolean;
}

/** A manager with a reservation and networks of the run, and a worker. */
function desk({ lists = [['n1']], failures = [], users = [], isLeaderless = false }: Situation = {}) {
  const order: string[] = [];
  const remaining = [...failures];
  let listed = 0;
  const { docker: manager, calls } = fakeClient(args => {
    const [noun, verb] = args;
    if (noun === 'service' && isLeaderless) return { stderr: 'Error: the swarm does not have a leader' };
    if (noun === 'service' && verb === 'ls') return { stdout: 's1' };
    if (noun === 'service' && verb === 'inspect')
      return { stdout: JSON.stringify([{ ID: 's1', Spec: { Name: 'room', Labels: {} } }]) };
    if (verb === 'rm') order.push(`${noun} ${args.at(-1)}`);
    if (noun === 'network' && verb === 'ls')
      return { stdout: lists[Math.min(listed++, lists.length - 1)]!.join('\n') };
    const stderr = noun === 'network' && verb === 'rm' ? remaining.shift() : undefined;
    return stderr === undefined ? undefined : { stderr };
  });
  const worker = fakeClient(([verb]) => {
    if (verb !== 'ps') return undefined;
    const rows = users.map(ID => JSON.stringify({ ID, State: 'exited', Names: `c-${ID}`, Labels: '' }));
    return { stdout: rows.join('\n') };
  });
  const release = (more: Partial<SwarmRelease> = {}) =>
    releaseSwarm(manager, {
      owner: { instance: 'i', runId: 'r1234567' },
      ...{ engines: [worker.docker], isComplete: true, kept: new Set<string>() },
      ...{ hasNetworks: true, inDoubt: false, sleep: async () => {} },
      ...more,
    });
  return { release, order, calls };
}

test('reservations and networks of the run are removed by the manager', async t => {
  const { release, order, calls } = desk();
  t.deepEqual(await release(), []);
  t.deepEqual(order, ['service room', 'network n1']);
  const filters = calls.find(call => call.startsWith('network ls'))!;
  for (const filter of [
    'label=tmux-agents.instance=i',
    'label=tmux-agents.run-id=r1234567',
    'driver=overlay',
  ])
    t.true(filters.includes(`--filter=${filter}`), filter);
});

test('a run without networks of the Swarm lists none', async t => {
  const { release, calls } = desk();
  t.deepEqual(await release({ hasNetworks: false }), []);
  t.false(calls.some(call => call.startsWith('network')));
});

test('a kept container on a worker keeps its network, and another one is reported with it', async t => {
  const kept = desk({ users: ['c1'] });
  t.deepEqual(await kept.release({ kept: new Set(['c1']) }), []);
  t.deepEqual(kept.order, ['service room']);
  const left = desk({ users: ['c1', 'c2'] });
  t.deepEqual(await left.release({ kept: new Set(['c1']) }), ['network n1']);
  t.deepEqual(left.order, ['service room']);
});

test('a network stays and is reported if a node cannot be reached', async t => {
  const { release, order } = desk();
  t.deepEqual(await release({ isComplete: false }), ['network n1']);
  t.deepEqual(order, ['service room']);
});

test('managers that cannot release the reservations are not asked for networks', async t => {
  const { release, calls } = desk({ isLeaderless: true });
  t.deepEqual(await release(), ["this run's reservations", "this run's networks of the Docker Swarm"]);
  t.deepEqual(await release({ hasNetworks: false }), ["this run's reservations"]);
  t.false(calls.some(call => call.startsWith('network')));
});

test('a network whose create was interrupted is looked for until it is absent', async t => {
  const { release, order } = desk({ lists: [[], ['n1'], []] });
  t.deepEqual(await release({ inDoubt: true }), []);
  t.deepEqual(order, ['service room', 'network n1']);
});

test('a network is removed once the Swarm knows that its containers are gone', async t => {
  const busy =
    'Error response from daemon: rpc error: code = FailedPrecondition desc = network n1 is in use by task t1';
  const { release, order } = desk({ failures: [busy] });
  t.deepEqual(await release(), []);
  t.deepEqual(order, ['service room', 'network n1', 'network n1']);
});
