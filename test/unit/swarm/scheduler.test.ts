import test from 'ava';
import { StepError } from '../../../machines/step-error.ts';
import type { Docker } from '../../../src/docker/cli.ts';
import { pauseImage } from '../../../src/swarm/pause-image.ts';
import { swarmScheduler } from '../../../src/swarm/scheduler.ts';
import { fakeClient, never, rejection } from '../_helpers/actor-ports.ts';
import {
  type FakeService,
  type FakeTask,
  fakeSwarm,
  swarmMessages,
  swarmNode,
} from '../_helpers/fake-swarm.ts';
import { virtualTime } from '../_helpers/virtual-time.ts';

const owner = { instance: 'i234567890123456', runId: 'r1234567' };
const a = { agent: 'a', attempt: 1 };
const nameOf = ({ agent, attempt }: typeof a) => `tmux-reserve-r1234567-${agent}-${attempt}`;
const noRoom = 'no suitable node (insufficient resources on 2 nodes)';
/** Longer than any pause. */
const minute = 60_000;

type Respond = NonNullable<NonNullable<Parameters<typeof fakeSwarm>[1]>['respond']>;

/** A scheduler of a Swarm with the nodes `n1` and `n2`, which have the image of reservations. */
function desk(schedule: (service: FakeService) => FakeTask | null, respond: Respond = () => undefined) {
  let response = respond;
  const swarm = fakeSwarm([swarmNode('n1'), swarmNode('n2')], { schedule, respond: args => response(args) });
  const time = virtualTime();
  const reports: string[] = [];
  const ending = new AbortController();
  const engine = fakeClient(() => ({ stdout: `${pauseImage('linux/amd64')!.id}\n` }));
  const unreachable = new Set<string>();
  let limited = 0;
  let held = Promise.resolve();
  const docker: Docker = async (args, options) => {
    if (args[1] === 'ps') await held;
    return swarm.docker(args, options);
  };
  const scheduler = swarmScheduler({
    ...{ docker, owner, clock: time, signal: ending.signal, warn: () => {} },
    plan: () => ({ memory: 1024, cpus: 1 }),
    limiter: work => {
      limited++;
      return work();
    },
    async connect({ id }) {
      if (unreachable.has(id)) throw new StepError('unreachable', 'no route');
      return engine.docker;
    },
  });
  const place = (scope = a, signal = never) => scheduler.place(scope, signal, reason => reports.push(reason));
  const answer = (next: Respond) => {
    response = next;
  };
  /** Delay the lists of tasks. */
  const hold = (until: Promise<void>) => {
    held = until;
  };
  const names = () => [...swarm.services.keys()];
  const made = (command: string) => swarm.calls.filter(call => call.startsWith(command)).length;
  const fixed = { scheduler, place, time, reports, ending, unreachable };
  return { ...fixed, ...swarm, answer, hold, names, made, limited: () => limited };
}

const on = (nodeId: string) => () => ({ state: 'running', nodeId });
const task = (swarm: ReturnType<typeof desk>, next: FakeTask, scope = a) => {
  swarm.services.get(nameOf(scope))!.task = next;
};

test('an attempt is placed where Swarm has placed its reservation, which is kept', async t => {
  const { place, time, names, reports, limited } = desk(on('n2'));
  const host = place();
  await time.pass(minute);
  t.is(await host, 'n2');
  t.deepEqual(names(), [nameOf(a)]);
  t.deepEqual(reports, []);
  t.is(limited(), 1);
});

test('the placing of an earlier call is found, and no second reservation is made', async t => {
  const { place, time, names } = desk(on('n2'));
  for (const _ of [1, 2]) {
    const host = place();
    await time.pass(minute);
    t.is(await host, 'n2');
  }
  t.deepEqual(names(), [nameOf(a)]);
});

test('a pending attempt reports each reason once, and is placed when there is room', async t => {
  const swarm = desk(() => null);
  const host = swarm.place();
  await swarm.time.pass(10_000);
  t.deepEqual(swarm.reports, []);
  task(swarm, { state: 'pending' });
  await swarm.time.pass(minute);
  t.deepEqual(swarm.reports, []);
  task(swarm, { state: 'pending', error: noRoom });
  await swarm.time.pass(minute);
  task(swarm, { state: 'pending', error: 'another reason' });
  await swarm.time.pass(minute);
  t.deepEqual(swarm.reports, [noRoom, 'another reason']);
  task(swarm, { state: 'running', nodeId: 'n1' });
  await swarm.time.pass(minute);
  t.is(await host, 'n1');
  t.is(swarm.made('service create'), 1);
});

test('the pause between two looks grows up to 3 s', async t => {
  const swarm = desk(() => ({ state: 'pending' }));
  void swarm.place().catch(() => {});
  await swarm.time.pass(249);
  t.is(swarm.made('service ps'), 0);
  await swarm.time.pass(1);
  t.is(swarm.made('service ps'), 1);
  await swarm.time.pass(minute);
  const before = swarm.made('service ps');
  await swarm.time.pass(30_000);
  t.is(swarm.made('service ps') - before, 10);
});

test('attempts share a list at a time, of those that are due', async t => {
  const swarm = desk(() => ({ state: 'pending', error: noRoom }));
  const scopes = [1, 2, 3].map(attempt => ({ agent: 'a', attempt }));
  const { promise, resolve } = Promise.withResolvers<void>();
  swarm.hold(promise);
  const hosts = scopes.map(scope => swarm.place(scope));
  const listed = () => swarm.calls.flatMap(call => /^service ps .* -- (.*)$/.exec(call)?.[1] ?? []);
  await swarm.time.pass(10_000);
  t.deepEqual(listed(), []);
  resolve();
  await swarm.time.pass(minute);
  t.is(listed()[0], 'service1 service2 service3');
  // One that is new is not listed with those that have waited for a while.
  const next = swarm.place({ agent: 'b', attempt: 1 });
  const before = listed().length;
  await swarm.time.pass(3_000);
  t.true(listed().slice(before).includes('service4'));
  for (const scope of [...scopes, { agent: 'b', attempt: 1 }])
    task(swarm, { state: 'running', nodeId: 'n1' }, scope);
  await swarm.time.pass(minute);
  t.deepEqual(await Promise.all([...hosts, next]), Array(4).fill('n1'));
  // Those that are placed are not listed any more.
  const all = listed().length;
  await swarm.time.pass(minute);
  t.is(listed().length, all);
});

test('a service that has no task for a long time is waited for', async t => {
  const swarm = desk(() => null);
  const host = swarm.place();
  await swarm.time.pass(60 * minute);
  t.deepEqual(swarm.reports, []);
  task(swarm, { state: 'running', nodeId: 'n1' });
  await swarm.time.pass(minute);
  t.is(await host, 'n1');
  t.is(swarm.made('service create'), 1);
});

test('a list that fails makes no reservation again', async t => {
  const swarm = desk(() => ({ state: 'pending', error: noRoom }));
  const scopes = [1, 2].map(attempt => ({ agent: 'a', attempt }));
  const hosts = scopes.map(scope => swarm.place(scope));
  await swarm.time.pass(minute);
  swarm.answer(([, verb]) => (verb === 'ps' ? { stderr: swarmMessages.leaderless } : undefined));
  await swarm.time.pass(minute);
  t.is(swarm.reports.length, 4);
  t.regex(swarm.reports.at(-1)!, /does not have a leader/);
  swarm.answer(() => undefined);
  for (const scope of scopes) task(swarm, { state: 'running', nodeId: 'n1' }, scope);
  await swarm.time.pass(minute);
  t.deepEqual(await Promise.all(hosts), ['n1', 'n1']);
  t.is(swarm.made('service create'), 2);
});

test('a refused reservation is made again, with the reason of Swarm', async t => {
  let refusals = 2;
  const swarm = desk(() =>
    refusals-- > 0
      ? { state: 'rejected', desiredState: 'shutdown', nodeId: 'n1', error: 'no more processes' }
      : { state: 'running', nodeId: 'n2' },
  );
  const host = swarm.place();
  await swarm.time.pass(minute);
  t.is(await host, 'n2');
  t.deepEqual(swarm.reports, Array(2).fill('rejected: no more processes'));
  t.deepEqual(swarm.names(), [nameOf(a)]);
});

test('a node that cannot be reached is left out of the next reservation', async t => {
  const swarm = desk(({ args }) => ({
    state: 'running',
    nodeId: args.includes('--constraint=node.id!=n1') ? 'n2' : 'n1',
  }));
  swarm.unreachable.add('n1');
  const host = swarm.place();
  await swarm.time.pass(minute);
  t.is(await host, 'n2');
  t.deepEqual(swarm.reports, ['its node cannot be used']);
  t.deepEqual(swarm.names(), [nameOf(a)]);
});

test('a service that is removed from outside is made again', async t => {
  const swarm = desk(on('n1'));
  const host = swarm.place();
  await swarm.time.pass(249);
  swarm.services.clear();
  await swarm.time.pass(minute);
  t.is(await host, 'n1');
  t.deepEqual(swarm.reports, ['it was removed']);
  t.is(swarm.made('service create'), 2);
});

test('a Swarm without a leader is waited for, at each call', async t => {
  for (const command of ['node ls', 'service create', 'service ps'])
    for (const stderr of [swarmMessages.leaderless, swarmMessages.late]) {
      const swarm = desk(on('n1'), args => (args.slice(0, 2).join(' ') === command ? { stderr } : undefined));
      const host = swarm.place();
      await swarm.time.pass(minute);
      t.regex(swarm.reports[0]!, /does not have a leader|context deadline exceeded/, command);
      swarm.answer(() => undefined);
      await swarm.time.pass(minute);
      t.is(await host, 'n1', command);
      t.deepEqual(swarm.names(), [nameOf(a)]);
    }
});

test('an error that waiting does not change is thrown', async t => {
  const swarm = desk(on('n1'), ([, verb]) =>
    verb === 'create' ? { stderr: swarmMessages.worker } : undefined,
  );
  const placed = rejection(swarm.place());
  await swarm.time.pass(minute);
  t.like(await placed, { kind: 'docker' });
  t.deepEqual(swarm.reports, []);
});

test('a cancelled placing ends, and reports nothing', async t => {
  const swarm = desk(() => ({ state: 'pending', error: noRoom }));
  const stop = new AbortController();
  const placed = rejection(swarm.place(a, stop.signal));
  await swarm.time.pass(minute);
  stop.abort(new Error('enough'));
  t.is((await placed).message, 'enough');
  t.deepEqual(swarm.reports, [noRoom]);
});

test('a room is released', async t => {
  const swarm = desk(on('n1'));
  const host = swarm.place();
  await swarm.time.pass(minute);
  await host;
  await swarm.scheduler.release(a, never);
  t.deepEqual(swarm.names(), []);
  await t.notThrowsAsync(swarm.scheduler.release(a, never));
});

test('a room that cannot be released does not hold up its agent, and is released later', async t => {
  const swarm = desk(on('n1'));
  const host = swarm.place();
  await swarm.time.pass(minute);
  await host;
  swarm.answer(([, verb]) => (verb === 'rm' ? { stderr: swarmMessages.leaderless } : undefined));
  await swarm.scheduler.release(a, never);
  await swarm.time.pass(minute);
  t.deepEqual(swarm.names(), [nameOf(a)]);
  const tries = swarm.made('service rm');
  t.true(tries > 2);
  swarm.answer(() => undefined);
  await swarm.time.pass(minute);
  t.deepEqual(swarm.names(), []);
  const all = swarm.made('service rm');
  await swarm.time.pass(minute);
  t.is(swarm.made('service rm'), all);
});

test('releasing in the background ends with the run', async t => {
  const swarm = desk(on('n1'), ([, verb]) =>
    verb === 'rm' ? { stderr: swarmMessages.leaderless } : undefined,
  );
  await swarm.scheduler.release(a, never);
  swarm.ending.abort(new Error('the end'));
  const tries = swarm.made('service rm');
  await swarm.time.pass(minute);
  t.is(swarm.made('service rm'), tries);
});

test('rooms that an earlier process left are released, apart from those of attempts that go on', async t => {
  const swarm = desk(on('n1'));
  const scopes = [a, { agent: 'a', attempt: 2 }, { agent: 'b', attempt: 1 }];
  const placed = scopes.map(scope => swarm.place(scope));
  await swarm.time.pass(minute);
  await Promise.all(placed);
  const asked: object[] = [];
  await swarm.scheduler.releaseOthers(scope => {
    asked.push(scope);
    return scope.attempt === 2;
  });
  t.deepEqual(asked, scopes);
  t.deepEqual(swarm.names(), [nameOf(scopes[1]!)]);
});
