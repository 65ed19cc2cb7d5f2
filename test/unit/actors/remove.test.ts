import test from 'ava';
import { removeContainer } from '../../../src/actors/remove.ts';
import { fakeClock, fakeContainers, id, identity, input, never, rejection } from '../_helpers/actor-ports.ts';

const ports = (existing: { id: string }[] = []) => {
  const { containers, removed } = fakeContainers(existing);
  const { clock, slept } = fakeClock();
  return { removed, slept, context: { clock, containers, identity: () => identity } };
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
