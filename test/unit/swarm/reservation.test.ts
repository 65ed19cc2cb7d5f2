import test from 'ava';
import type { DockerOptions } from '../../../src/docker/cli.ts';
import {
  createReservation,
  findReservations,
  type ReservationRequest,
  removeReservation,
} from '../../../src/swarm/reservation.ts';
import { fakeClient, never, rejection } from '../_helpers/actor-ports.ts';
import { fakeSwarm, swarmMessages, swarmNode } from '../_helpers/fake-swarm.ts';

const owner = { instance: 'i234567890123456', runId: 'r1234567' };
const scope = { agent: 'a', attempt: 2 };
const name = 'tmux-reserve-r1234567-a-2';
const request: ReservationRequest = {
  ...{ owner, scope, image: 'sha256:p', exceptNodes: [] },
  agent: { memory: 1024, cpus: 1.5 },
};
const nodes = [swarmNode('n1')];

/** Return the arguments of a reservation, and the options of its call. */
async function created(more: Partial<ReservationRequest>) {
  const calls: { args: readonly string[]; options: DockerOptions }[] = [];
  const { docker } = fakeClient((args, options) => {
    calls.push({ args, options });
    return { stdout: 's1\n' };
  });
  await createReservation(docker, { ...request, ...more }, never);
  return calls[0]!;
}

test('a reservation is a service of one task that is placed once, and belongs to an attempt', async t => {
  const { args, options } = await created({});
  t.deepEqual(args, [
    ...['service', 'create', '--quiet', '--detach', '--no-resolve-image'],
    ...['--no-healthcheck', '--mode=replicated', '--replicas=1', '--restart-condition=none'],
    `--name=${name}`,
    ...['--label=tmux-agents=true', `--label=tmux-agents.instance=${owner.instance}`],
    ...['--label=tmux-agents.run-id=r1234567', '--label=tmux-agents.role=reservation'],
    ...['--label=tmux-agents.agent=a', '--label=tmux-agents.attempt=2'],
    ...['--reserve-memory=1024', '--reserve-cpu=1.5'],
    ...['--stop-signal=SIGKILL', '--read-only', '--user=65534:65534'],
    'sha256:p',
  ]);
  t.like(options, { isMutation: true, scope, signal: never });
});

test('an agent without cpus reserves two', async t => {
  const { args } = await created({ agent: { memory: 1, cpus: null } });
  t.true(args.includes('--reserve-cpu=2'));
});

test('constraints, generic resources and nodes that are left out are passed to Swarm', async t => {
  const placement = { constraints: ['node.labels.disk==ssd'], genericResources: { gpu: 2, fpga: 1 } };
  const { args } = await created({ agent: { ...request.agent, placement }, exceptNodes: ['n2', 'n3'] });
  const end = args.indexOf('--stop-signal=SIGKILL');
  t.deepEqual(args.slice(args.indexOf('--reserve-cpu=1.5') + 1, end), [
    ...['--generic-resource=gpu=2', '--generic-resource=fpga=1'],
    ...['--constraint=node.labels.disk==ssd', '--constraint=node.id!=n2', '--constraint=node.id!=n3'],
  ]);
});

test('a reservation that an earlier call created is found', async t => {
  const { docker, services } = fakeSwarm(nodes);
  const id = await createReservation(docker, request, never);
  t.is(await createReservation(docker, request, never), id);
  t.deepEqual([...services.keys()], [name]);
});

test('a service of another owner with its name is refused', async t => {
  const { docker } = fakeSwarm(nodes);
  for (const other of [
    { ...owner, instance: 'i999999999999999' },
    { ...owner, runId: 'r7654321' },
  ]) {
    const swarm = fakeSwarm(nodes);
    await createReservation(swarm.docker, request, never);
    const [service] = swarm.services.values();
    const labels = {
      ...service!.labels,
      'tmux-agents.instance': other.instance,
      'tmux-agents.run-id': other.runId,
    };
    swarm.services.set(name, { ...service!, labels });
    const error = await rejection(createReservation(swarm.docker, request, never));
    t.like(error, {
      kind: 'nameConflict',
      message: `its name is held by service ${service!.id}, which is not ours. Rename or remove that one`,
    });
  }
  await docker(['service', 'create', `--name=${name}`]);
  t.is((await rejection(createReservation(docker, request, never))).kind, 'nameConflict');
});

test('a service that is removed between two calls is created again later', async t => {
  const { docker } = fakeSwarm(nodes, {
    respond: ([, verb]) => (verb === 'create' ? { stderr: swarmMessages.taken(name) } : undefined),
  });
  const error = await rejection(createReservation(docker, request, never));
  t.like(error, { kind: 'transient', message: `the service ${name} no longer exists` });
});

test('a refused create is an error with its reason, and one without an id is in doubt', async t => {
  const failing = (response: object) =>
    rejection(createReservation(fakeClient(() => response).docker, request, never));
  const refused = await failing({
    stderr: 'Error response from daemon: constraint expected one operator from ==, !=',
  });
  t.is(refused.kind, 'docker');
  t.is(refused.message, 'could not reserve room in the Swarm: constraint expected one operator from ==, !=');
  t.is((await failing({ stderr: swarmMessages.leaderless })).kind, 'unreachable');
  t.like(await failing({ stdout: '\n' }), { kind: 'transient', inDoubt: true });
});

test('a reservation is removed by its name, and a missing one counts as removed', async t => {
  const { docker, services, calls } = fakeSwarm(nodes);
  await createReservation(docker, request, never);
  await removeReservation(docker, name);
  t.is(services.size, 0);
  await t.notThrowsAsync(removeReservation(docker, name));
  t.is(calls.at(-1), `service rm -- ${name}`);
});

test('a reservation that cannot be removed is an error', async t => {
  const { docker } = fakeClient(() => ({ stderr: swarmMessages.leaderless }));
  const error = await rejection(removeReservation(docker, name));
  t.is(error.kind, 'unreachable');
  t.regex(
    error.message,
    /^could not release the room of tmux-reserve-r1234567-a-2: .*does not have a leader/,
  );
});

test('the reservations of a run or of a state directory are found, and no others', async t => {
  const { docker } = fakeSwarm(nodes);
  const reserve = (own: typeof owner) => createReservation(docker, { ...request, owner: own }, never);
  const first = await reserve(owner);
  const second = await reserve({ ...owner, runId: 'r7654321' });
  await reserve({ instance: 'i999999999999999', runId: 'r0000000' });
  await docker(['service', 'create', '--name=web', '--label=tmux-agents.role=network']);
  const found = await findReservations(docker, owner);
  t.deepEqual(
    found.map(({ id }) => id),
    [first],
  );
  t.like(found[0], { name, labels: { 'tmux-agents.agent': 'a', 'tmux-agents.attempt': '2' } });
  const all = await findReservations(docker, { instance: owner.instance });
  t.deepEqual(
    all.map(({ id }) => id),
    [first, second],
  );
});

test('no call inspects more than 1,000 reservations', async t => {
  const ids = Array.from({ length: 1_001 }, (_, index) => `s${index}`);
  const { docker, calls } = fakeSwarm(nodes, {
    respond: ([, verb]) => ({ stdout: verb === 'ls' ? ids.join('\n') : '[]' }),
  });
  await findReservations(docker, owner);
  t.deepEqual(
    calls.slice(1).map(call => call.split(' -- ')[1]!.split(' ').length),
    [1_000, 1],
  );
});

test('without reservations nothing is inspected', async t => {
  const { docker, calls } = fakeSwarm(nodes);
  t.deepEqual(await findReservations(docker, owner), []);
  t.is(calls.length, 1);
});

test('a reservation that is removed meanwhile does not hide the others', async t => {
  const { docker } = fakeSwarm(nodes, {
    respond: ([, verb]) => (verb === 'ls' ? { stdout: 'gone\nservice1\n' } : undefined),
  });
  await createReservation(docker, request, never);
  t.deepEqual(
    (await findReservations(docker, owner)).map(({ id }) => id),
    ['service1'],
  );
});

test('services that cannot be listed or read are an error', async t => {
  const failing = (verb: string, response: object) =>
    rejection(
      findReservations(fakeClient(args => (args[1] === verb ? response : { stdout: 's1\n' })).docker, owner),
    );
  const listed = await failing('ls', { stderr: swarmMessages.worker });
  t.regex(listed.message, /^could not list the services of the Swarm: This node is not a swarm manager/);
  t.is((await failing('inspect', { stderr: 'what?' })).kind, 'transient');
  t.is((await failing('inspect', { stdout: '[{' })).kind, 'transient');
});
