import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { findImages } from '../../../src/commands/cleanup/images.ts';
import { planCleanup, planTable } from '../../../src/commands/cleanup/plan.ts';
import { dryRunResult, removeAll } from '../../../src/commands/cleanup/remove.ts';
import { takeLock } from '../../../src/store/lock.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { fakeClient } from '../_helpers/actor-ports.ts';
import { folder } from '../_helpers/repositories.ts';

const request = { all: false, force: false, network: false, images: false, runsOlderThan: null };
const manager = { nodeId: 'node1', isManager: true };

/** A state directory and an engine with these services, by name: the run and the instance of each; null for our own. */
function engineWith(
  t: ExecutionContext,
  services: Readonly<Record<string, { readonly run: string; readonly instance?: string }>>,
  { swarm = manager as typeof manager | null, failure = '' } = {},
) {
  const state = openStateDir(join(folder(t), 'state'));
  const { docker, calls } = fakeClient(([noun, verb, , ...names]) => {
    if (noun !== 'service') return undefined;
    if (failure !== '') return { stderr: failure };
    if (verb === 'ls') return { stdout: Object.keys(services).join('\n') };
    if (verb !== 'inspect') return undefined;
    const found = names.map(name => ({
      ID: `id of ${name}`,
      Spec: {
        Name: name,
        Labels: {
          'tmux-agents.instance': services[name]!.instance ?? state.instance,
          'tmux-agents.run-id': services[name]!.run,
        },
      },
    }));
    return { stdout: JSON.stringify(found) };
  });
  const connection = { docker, engine: { swarm } } as never;
  const plansOf = (...engines: (typeof connection)[]) =>
    planCleanup({ found: engines, current: engines.at(-1)!, missing: [] }, state, request);
  const plan = async (more: Partial<typeof request> = {}) => {
    const engines = { found: [connection], current: connection, missing: [] };
    return (await planCleanup(engines, state, { ...request, ...more }))[0]!;
  };
  return { state, calls, plan, plansOf, connection };
}

test('the reservations of runs without a supervisor are listed and removed', async t => {
  const { state, calls, plan } = engineWith(t, {
    left: { run: 'r0000001' },
    foreign: { run: 'r0000001', instance: 'another' },
  });
  const planned = await plan();
  t.regex(planTable(state, [planned.plan]), /^reservation +left +run r0000001$/m);
  t.deepEqual(dryRunResult(planned.plan).done.reservations, ['left']);
  t.false(calls.some(call => call.startsWith('service rm')));
  const { done, failures } = (await removeAll([planned], state))[0]!;
  t.deepEqual(done.reservations, ['left']);
  t.deepEqual(failures, []);
  t.deepEqual(
    calls.filter(call => call.startsWith('service rm')),
    ['service rm -- left'],
  );
});

test('a reservation is removed once, though several engines are managers of its Swarm', async t => {
  const { plansOf, connection } = engineWith(t, { left: { run: 'r0000001' } });
  const plans = await plansOf(connection, { ...(connection as object) } as never);
  t.deepEqual(
    plans.map(({ plan }) => plan.reservations.length),
    [1, 0],
  );
});

test('the reservation of a run with a supervisor stays without --force', async t => {
  const { state, plan } = engineWith(t, { used: { run: 'r0000001' } });
  mkdirSync(state.run('r0000001').path, { recursive: true });
  const lock = takeLock(state.run('r0000001').lock) as Disposable;
  t.teardown(() => lock[Symbol.dispose]());
  t.deepEqual((await plan()).plan.reservations, []);
  t.deepEqual(
    (await plan({ force: true })).plan.reservations.map(({ name }) => name),
    ['used'],
  );
});

for (const swarm of [null, { nodeId: 'node1', isManager: false }])
  test(`no service is looked for on an engine ${swarm === null ? 'without a Swarm' : 'that is a worker'}`, async t => {
    const { calls, plan } = engineWith(t, { left: { run: 'r0000001' } }, { swarm });
    t.deepEqual((await plan()).plan.reservations, []);
    t.false(calls.some(call => call.startsWith('service')));
  });

test('a Swarm that cannot list its services does not keep the rest from being removed', async t => {
  const failure = 'Error response from daemon: rpc error: the swarm does not have a leader';
  const { plan } = engineWith(t, {}, { failure });
  const planned = await plan();
  t.deepEqual(planned.plan.reservations, []);
  t.regex(planned.plan.problems.join(), /could not list the services of the Swarm: .*not have a leader/);
});

test('a reservation that cannot be removed is reported', async t => {
  const { state, plan } = engineWith(t, { left: { run: 'r0000001' } });
  const planned = await plan();
  const { docker } = fakeClient(() => ({ stderr: 'Error response from daemon: no\nmore' }));
  const { done, failures } = (await removeAll([{ ...planned, docker }], state))[0]!;
  t.deepEqual(done.reservations, []);
  t.regex(failures.join(), /^reservation left: could not release the room of left: no/);
});

test('cleanup --images removes the image of reservations like the others', async t => {
  const { docker } = fakeClient(([noun, verb]) => {
    if (noun !== 'image') return undefined;
    if (verb === 'ls') return { stdout: 'sha256:1' };
    const image = {
      Id: 'sha256:1',
      RepoTags: ['tmux-agents-pause:latest'],
      Config: { Labels: { 'tmux-agents.image': 'pause' } },
    };
    return { stdout: JSON.stringify([image]) };
  });
  const { removable, skipped } = await findImages(docker, [], false);
  t.deepEqual(
    removable.map(({ name }) => name),
    ['tmux-agents-pause:latest'],
  );
  t.deepEqual(skipped, []);
});
