import test from 'ava';
import { removeContainer } from '../../../src/actors/remove.ts';
import { fakeClock, fakeContainers, id, identity, input, never, rejection } from '../_helpers/actor-ports.ts';

const ports = (existing: { id: string }[] = []) => {
  const { containers, removed } = fakeContainers(existing);
  const { clock, slept } = fakeClock();
  return { removed, slept, world: { clock, containers, identity: () => identity } };
};

test('the known container is removed by its full id, and nothing is listed', async t => {
  const { world, removed, slept } = ports([{ id: 'other' }]);
  await removeContainer(world, input, never);
  t.deepEqual(removed, [id]);
  t.deepEqual(slept, []);
});

test('an attempt that never had a container has nothing to remove', async t => {
  const { world, removed } = ports([{ id: 'other' }]);
  await removeContainer(world, { ...input, containerId: null }, never);
  t.deepEqual(removed, []);
});

test('where a create is in doubt, whatever carries the labels of the attempt is removed', async t => {
  const { world, removed, slept } = ports([{ id: 'late' }]);
  const filters: (readonly string[])[] = [];
  const { list } = world.containers;
  world.containers.list = (given, options) => {
    filters.push(given);
    return list(given, options);
  };
  await removeContainer(world, { ...input, containerId: null, inDoubt: true }, never);
  t.deepEqual(removed, ['late']);
  t.true(slept.length >= 2, 'absence is believed after several looks');
  t.true(filters[0]!.some(filter => filter.endsWith(`=${identity.runId}`)));
  t.true(filters[0]!.some(filter => filter.endsWith(`=${identity.instance}`)));
  t.true(filters[0]!.some(filter => filter.endsWith('.attempt=1')));
});

test('a container that cannot be removed is a failure with the words of docker', async t => {
  const { world } = ports();
  world.containers.remove = async () => ({
    args: ['rm'],
    ok: false,
    exitCode: 1,
    stdout: '',
    stderr: 'Error response from daemon: device or resource busy',
    interrupted: null,
  });
  const error = await rejection(removeContainer(world, input, never));
  t.is(error.kind, 'transient');
  t.regex(error.message, /could not remove the container: device or resource busy/);
});
