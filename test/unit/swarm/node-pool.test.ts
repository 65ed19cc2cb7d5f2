import test from 'ava';
import type { Docker } from '../../../src/docker/cli.ts';
import { nodePool } from '../../../src/swarm/node-pool.ts';
import { pauseImage, pauseTag } from '../../../src/swarm/pause-image.ts';
import { fakeClient, never, rejection } from '../_helpers/actor-ports.ts';
import { fakeSwarm, swarmNode } from '../_helpers/fake-swarm.ts';
import { virtualTime } from '../_helpers/virtual-time.ts';

const amd64 = pauseImage('linux/amd64')!.id;
const arm64 = pauseImage('linux/arm64')!.id;
const labelHint =
  'it has no label agent-flow.context. Add it: docker node update --label-add agent-flow.context=CONTEXT';

/** An engine that has the image of reservations, with this id, or lacks it until it is loaded. */
function pauseEngine(hasImage: boolean, id = amd64) {
  let isLoaded = hasImage;
  const { docker, calls } = fakeClient(([verb]) => {
    if (verb === 'load') isLoaded = true;
    else if (!isLoaded) return { stderr: `Error: No such image: ${pauseTag}` };
    return { stdout: `${id}\n` };
  });
  const drop = () => {
    isLoaded = false;
  };
  return { docker, drop, loads: () => calls.filter(call => call.startsWith('load ')).length };
}

/** A pool of these nodes. `engines` has what `connect` returns by node, an `Error` where it rejects. */
function desk(nodes: ReturnType<typeof swarmNode>[], engines: Record<string, Docker | Error> = {}) {
  const swarm = fakeSwarm(nodes);
  const time = virtualTime();
  const warnings: string[] = [];
  const reports: string[] = [];
  const connects: string[] = [];
  const pool = nodePool({
    ...{ docker: swarm.docker, clock: time, signal: never },
    ...{ owner: { instance: 'i', runId: 'r' }, plan: () => ({}) as never, limiter: work => work() },
    async connect({ id, context }) {
      connects.push(`${id} ${context}`);
      const engine = engines[id] ?? pauseEngine(true).docker;
      if (engine instanceof Error) throw engine;
      return engine;
    },
    warn: message => warnings.push(message),
  });
  const request = (signal = never) => pool.request(signal, reason => reports.push(reason));
  const prepare = async (nodeId: string, more: { since?: number; wasRefused?: boolean } = {}) => {
    const { since } = await request();
    return pool.prepare(nodeId, { since, wasRefused: false, ...more }, never);
  };
  return {
    ...{ pool, request, prepare, nodes, engines, time, warnings, reports, connects },
    calls: swarm.calls,
  };
}

test('nodes of one platform share an image by its id, which Swarm never pulls', async t => {
  t.like(await desk([swarmNode('n1'), swarmNode('n2')]).request(), { image: amd64, exceptNodes: [] });
  t.is((await desk([swarmNode('n1', { architecture: 'aarch64' })]).request()).image, arm64);
});

test('nodes of several platforms share the tag, unless only one platform is available', async t => {
  const arm = (fields: object) => swarmNode('n2', { architecture: 'aarch64', ...fields });
  t.is((await desk([swarmNode('n1'), arm({})]).request()).image, pauseTag);
  t.is((await desk([swarmNode('n1'), arm({ state: 'down' })]).request()).image, amd64);
  t.is((await desk([swarmNode('n1'), arm({ availability: 'drain' })]).request()).image, amd64);
  const down = { state: 'down' };
  t.is((await desk([swarmNode('n1', down), arm(down)]).request()).image, pauseTag);
});

test('nodes without a context, and of other platforms, are left out with one warning each', async t => {
  const { request, warnings } = desk([
    swarmNode('n1'),
    swarmNode('n2', { context: null }),
    swarmNode('n3', { architecture: 's390x' }),
    swarmNode('n4', { system: '' }),
  ]);
  t.deepEqual((await request()).exceptNodes, ['n2', 'n3', 'n4']);
  await request();
  t.deepEqual(warnings, [
    `no agent is placed on the node host-n2: ${labelHint} n2`,
    'no agent is placed on the node host-n3: it is linux/s390x',
    'no agent is placed on the node host-n4: it is of an unknown platform',
  ]);
});

test('requests within 5 s share one list of the nodes', async t => {
  const { request, calls, time } = desk([swarmNode('n1')]);
  const list = ['node ls --quiet', 'node inspect -- n1'];
  await Promise.all([request(), request(), request()]);
  await time.pass(4_000);
  await request();
  t.deepEqual(calls, list);
  await time.pass(1_000);
  await request();
  t.deepEqual(calls, [...list, ...list]);
});

test('a list of the nodes that fails is not kept', async t => {
  const { request, nodes } = desk([{ ID: 'n1' } as ReturnType<typeof swarmNode>]);
  t.is((await rejection(request())).kind, 'transient');
  nodes[0] = swarmNode('n1');
  t.like(await request(), { exceptNodes: [] });
});

test('a request waits for a first node, with the reason, until it is aborted', async t => {
  const { request, nodes, time, reports } = desk([swarmNode('n1', { context: null })]);
  const found = request();
  await time.pass(12_000);
  t.deepEqual(reports, Array(3).fill('no node of the Swarm can be used'));
  nodes[0] = swarmNode('n1');
  await time.pass(5_000);
  t.deepEqual((await found).exceptNodes, []);

  nodes[0] = swarmNode('n1', { context: null });
  await time.pass(5_000);
  const stop = new AbortController();
  const stopped = rejection(request(stop.signal));
  await time.pass(1_000);
  stop.abort(new Error('enough'));
  t.is((await stopped).message, 'enough');
});

test('a node with the image is ready, and is looked at once', async t => {
  const engine = pauseEngine(true);
  const { prepare, connects } = desk([swarmNode('n1', { context: 'build1' })], { n1: engine.docker });
  t.deepEqual(await prepare('n1'), { name: 'build1', wasPrepared: true });
  t.deepEqual(await prepare('n1'), { name: 'build1', wasPrepared: true });
  t.is(engine.loads(), 0);
  // It is reached for each agent, and once more for the image.
  t.deepEqual(connects, Array(3).fill('n1 build1'));
});

test('a node that lacked the image is ready for reservations that are made after its load', async t => {
  const engine = pauseEngine(false);
  const { pool, request, prepare } = desk([swarmNode('n1')], { n1: engine.docker });
  const [first, second] = [await request(), await request()];
  const early = { since: first.since, wasRefused: false };
  t.deepEqual(await pool.prepare('n1', early, never), { name: 'n1', wasPrepared: false });
  t.is((await pool.prepare('n1', { ...early, since: second.since }, never))?.wasPrepared, false);
  t.is((await prepare('n1'))?.wasPrepared, true);
  t.is(engine.loads(), 1);
});

test('agents that are placed on a node at the same time load its image once', async t => {
  const engine = pauseEngine(false);
  const { prepare } = desk([swarmNode('n1')], { n1: engine.docker });
  await Promise.all(Array.from({ length: 5 }, () => prepare('n1')));
  t.is(engine.loads(), 1);
});

test('a node that refuses a reservation is looked at again, and gets an image that was removed', async t => {
  const engine = pauseEngine(true);
  const { prepare } = desk([swarmNode('n1')], { n1: engine.docker });
  await prepare('n1');
  engine.drop();
  // Its image is known to be there.
  t.is((await prepare('n1'))?.wasPrepared, true);
  t.is((await prepare('n1', { wasRefused: true }))?.wasPrepared, false);
  t.is(engine.loads(), 1);
  // It refuses for another reason: nothing can be prepared.
  t.is((await prepare('n1', { wasRefused: true }))?.wasPrepared, true);
  t.is(engine.loads(), 1);
});

test('an engine that gives the image another id makes all share the tag', async t => {
  const { prepare, request } = desk([swarmNode('n1')], { n1: pauseEngine(false, 'sha256:other').docker });
  t.is((await request()).image, amd64);
  await prepare('n1');
  t.is((await request()).image, pauseTag);
});

test('a node that cannot be reached is left out for half a minute, with a warning', async t => {
  const { prepare, request, time, warnings } = desk([swarmNode('n1'), swarmNode('n2')], {
    n1: new Error('no route'),
  });
  t.is(await prepare('n1'), null);
  t.deepEqual((await request()).exceptNodes, ['n1']);
  t.deepEqual(warnings, ['no agent is placed on the node host-n1: no route']);
  await time.pass(29_999);
  t.deepEqual((await request()).exceptNodes, ['n1']);
  await time.pass(1);
  t.deepEqual((await request()).exceptNodes, []);
});

test('an image that could not be loaded is loaded after half a minute', async t => {
  const failing = fakeClient(() => ({ stderr: 'no space left on device' }));
  const { prepare, engines, nodes, time } = desk([swarmNode('n1')], { n1: failing.docker });
  nodes.push(swarmNode('n2'));
  t.is(await prepare('n1'), null);
  const engine = pauseEngine(false);
  engines.n1 = engine.docker;
  await time.pass(30_000);
  t.is((await prepare('n1'))?.wasPrepared, false);
  t.is(engine.loads(), 1);
});

test('a node that is not known is not used, and a cancelled attempt leaves no node out', async t => {
  const stop = new AbortController();
  const { pool, request, prepare, warnings, engines } = desk([swarmNode('n1')]);
  t.is(await prepare('n9'), null);
  const { since } = await request();
  stop.abort(new Error('enough'));
  engines.n1 = new Error('aborted call');
  const stopped = await rejection(pool.prepare('n1', { since, wasRefused: false }, stop.signal));
  t.is(stopped.message, 'aborted call');
  t.deepEqual((await request()).exceptNodes, []);
  t.deepEqual(warnings, []);
});
