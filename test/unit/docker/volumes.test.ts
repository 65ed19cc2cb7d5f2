import test from 'ava';
import { createVolume, inspectVolumes, listVolumes, removeVolume } from '../../../src/docker/volumes.ts';
import { fakeClient, rejection } from '../_helpers/actor-ports.ts';

test('a volume is created with its labels', async t => {
  const { docker, calls } = fakeClient();
  await createVolume(docker, 'v', { a: '1', b: '2' });
  t.deepEqual(calls, ['volume create --label=a=1 --label=b=2 -- v']);
});

test('a volume that is gone counts as removed, and one in use does not', async t => {
  const reply = (stderr: string) => fakeClient(() => ({ stderr })).docker;
  t.true(await removeVolume(fakeClient().docker, 'v'));
  t.true(await removeVolume(reply('Error response from daemon: get v: no such volume'), 'v'));
  t.false(
    await removeVolume(reply('Error response from daemon: remove v: volume is in use - [c0ffee]'), 'v'),
  );
  const error = await rejection(removeVolume(reply('Cannot connect to the Docker daemon'), 'v'));
  t.is(error.kind, 'unreachable');
});

test('volumes are listed by filters, and inspected by name', async t => {
  const { docker, calls } = fakeClient(([, verb]) => ({
    stdout: verb === 'ls' ? 'a\nb\n' : '[{"Name": "a", "Labels": null}, {"Name": "b", "Labels": {"k": "v"}}]',
  }));
  t.deepEqual(await listVolumes(docker, ['label=x']), ['a', 'b']);
  t.deepEqual(await inspectVolumes(docker, ['a', 'b']), [
    { name: 'a', labels: {} },
    { name: 'b', labels: { k: 'v' } },
  ]);
  t.deepEqual(await inspectVolumes(docker, []), []);
  t.deepEqual(calls, ['volume ls --quiet --filter=label=x', 'volume inspect -- a b']);
});
