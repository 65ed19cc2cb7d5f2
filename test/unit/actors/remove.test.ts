import test from 'ava';
import { removeContainer } from '../../../src/actors/remove.ts';
import {
  fakeClient,
  fakeClock,
  fakeContainers,
  id,
  identity,
  input,
  never,
  rejection,
  sameFiles,
} from '../_helpers/actor-ports.ts';

const ports = (existing: { id: string }[] = []) => {
  const { containers, removed } = fakeContainers(existing);
  const { clock, slept } = fakeClock();
  const { docker, calls } = fakeClient();
  const context = {
    clock,
    docker,
    containers,
    identity: () => identity,
    ...sameFiles,
    savedWork: () => null,
  };
  return { removed, slept, calls, context };
};

test('the known container is removed by its full id, and nothing is listed', async t => {
  const { context, removed, slept } = ports([{ id: 'other' }]);
  await removeContainer(context, input, never);
  t.deepEqual(removed, [id]);
  t.deepEqual(slept, []);
});

test('an attempt that never had a container has nothing to remove', async t => {
  const { context, removed } = ports([{ id: 'other' }]);
  await removeContainer(context, { ...input, containerId: null }, never);
  t.deepEqual(removed, []);
});

test('if a create is in doubt, every container with the labels of the attempt is removed', async t => {
  const { context, removed, slept } = ports([{ id: 'late' }]);
  const filters: (readonly string[])[] = [];
  const { list } = context.containers;
  context.containers.list = (given, options) => {
    filters.push(given);
    return list(given, options);
  };
  await removeContainer(context, { ...input, containerId: null, inDoubt: true }, never);
  t.deepEqual(removed, ['late']);
  t.true(slept.length >= 2, 'absence is believed after several checks');
  t.true(filters[0]!.some(filter => filter.endsWith(`=${identity.runId}`)));
  t.true(filters[0]!.some(filter => filter.endsWith(`=${identity.instance}`)));
  t.true(filters[0]!.some(filter => filter.endsWith('.attempt=1')));
});

test('a container that cannot be removed is a failure with the message of docker', async t => {
  const { context } = ports();
  context.containers.remove = async () => ({
    args: ['rm'],
    ok: false,
    exitCode: 1,
    stdout: '',
    stderr: 'Error response from daemon: device or resource busy',
    interrupted: null,
  });
  const error = await rejection(removeContainer(context, input, never));
  t.is(error.kind, 'transient');
  t.regex(error.message, /could not remove the container: device or resource busy/);
});

test('the volume of a clone is removed after its container, once its work is safe', async t => {
  const saved = { branch: null, commit: null, diff: null, path: null };
  for (const [workspace, isRemoved] of [
    [null, true],
    [saved, true],
    [{ ...saved, volume: 'v' }, false],
  ] as const) {
    const { context, calls } = ports([{ id }]);
    const known = { ...context, cloneVolume: () => 'v', savedWork: () => ({ workspace }) };
    await removeContainer(known, input, never);
    t.deepEqual(calls, isRemoved ? ['volume rm -- v'] : []);
  }
  const { context, calls } = ports([{ id }]);
  await removeContainer({ ...context, cloneVolume: () => 'v' }, input, never);
  t.deepEqual(calls, [], 'work that was not saved stays');
});
