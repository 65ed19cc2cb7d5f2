import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { mountPoints, separateMounts } from '../../../src/preflight/mount-namespace.ts';
import { folder } from '../_helpers/repositories.ts';

/** Create a root directory with these files. */
function system(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const root = folder(t);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const mounts = (id: number, type = 'ext4', point = '/') =>
  `${id + 1} ${id} 0:21 / /proc rw,relatime - proc proc rw\n${id} 1 254:0 / ${point} rw shared:1 - ${type} /dev/vda rw\n`;
const dockerd = { 'var/run/docker.pid': '70', 'proc/70/comm': 'dockerd\n' };

test('a process with the root mount of dockerd shares its files, even with marks of a container', t => {
  const same = { ...dockerd, 'proc/self/mountinfo': mounts(27), 'proc/70/mountinfo': mounts(27) };
  t.is(separateMounts({ env: {}, root: system(t, { ...same, '.dockerenv': '' }) }), null);
});

test('a process with another root mount than dockerd has separate mounts', t => {
  const daemon = { ...dockerd, 'proc/70/mountinfo': mounts(27) };
  for (const own of [mounts(300), mounts(27, 'ext4', '/home')]) {
    const root = system(t, { ...daemon, 'proc/self/mountinfo': own });
    t.regex(separateMounts({ env: {}, root }) ?? '', /other mounts than the Docker engine/);
  }
});

test('a container is recognized by the marks of its engine', t => {
  const plain = { 'proc/self/mountinfo': mounts(27), 'proc/1/mountinfo': mounts(27) };
  t.is(separateMounts({ env: {}, root: system(t, plain) }), null);
  const containers: Record<string, string>[] = [
    { '.dockerenv': '' },
    { 'run/.containerenv': '' },
    { 'proc/1/cgroup': '5:cpu:/docker/0123\n' },
    { 'proc/1/cgroup': '0::/kubepods/pod1\n' },
    { 'proc/self/mountinfo': mounts(27, 'overlay') },
    // The pid file of the engine, in a container in which another process has that pid.
    { '.dockerenv': '', 'var/run/docker.pid': '70', 'proc/70/comm': 'node\n' },
  ];
  for (const marks of containers)
    t.regex(
      separateMounts({ env: {}, root: system(t, { ...plain, ...marks }) }) ?? '',
      /in a container/,
      JSON.stringify(marks),
    );
  t.regex(separateMounts({ env: { container: 'podman' }, root: system(t, plain) }) ?? '', /in a container/);
});

test('without dockerd the mounts are compared with those of process 1', t => {
  const root = system(t, { 'proc/self/mountinfo': mounts(300), 'proc/1/mountinfo': mounts(27) });
  t.regex(separateMounts({ env: {}, root }) ?? '', /separate mount namespace/);
  t.is(separateMounts({ env: {}, root: system(t, {}) }), null);
});

test('mount points are unescaped', t => {
  const table = '30 27 0:9 / /a\\040b/c\\134d rw - tmpfs t rw\n31 27 0:9 / /é rw - tmpfs t rw\n';
  t.deepEqual(mountPoints(system(t, { 'proc/self/mountinfo': table })), ['/a b/c\\d', '/é']);
  t.deepEqual(mountPoints(system(t, {})), []);
});
