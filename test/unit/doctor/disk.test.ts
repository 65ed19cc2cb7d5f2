import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { checkDisk, checkDockerDisk, gigabytes, nearest } from '../../../src/doctor/disk.ts';
import { fakeClient } from '../_helpers/actor-ports.ts';
import { folder } from '../_helpers/repositories.ts';

const usage = (rows: readonly object[]) =>
  fakeClient(() => ({ stdout: rows.map(row => `${JSON.stringify(row)}\n`).join('') })).docker;

test('bytes are printed as GB, with a decimal below ten', t => {
  t.deepEqual([0, 1.25e9, 9.94e9, 10e9, 123.6e9].map(gigabytes), [
    '0.0 GB',
    '1.3 GB',
    '9.9 GB',
    '10 GB',
    '124 GB',
  ]);
});

test('the nearest parent of a missing folder is the last one that exists', t => {
  const path = folder(t);
  mkdirSync(join(path, 'a'));
  t.is(nearest(join(path, 'a')), join(path, 'a'));
  t.is(nearest(join(path, 'a', 'b', 'c')), join(path, 'a'));
  t.is(nearest('/'), '/');
});

test('the free space of a folder that does not exist is that of its nearest parent', async t => {
  const path = join(folder(t), 'none', 'at', 'all');
  const { check, found } = await checkDisk('state disk', path, 'free some', '; more');
  t.is(check, 'state disk');
  t.regex(found, /^[\d.]+ GB free at .*\/none\/at\/all; more$/);
});

test('less than 5 GB of free space causes a warning with the hint', async t => {
  // The kernel's own file system has no blocks at all.
  t.like(await checkDisk('docker disk', '/proc', 'free some'), {
    status: 'warn',
    found: '0.0 GB free at /proc',
    hint: 'free some',
  });
});

test('the usage of Docker is listed without empty kinds', async t => {
  const docker = usage([
    { Type: 'Images', Size: '1.2GB', Reclaimable: '0B' },
    { Type: 'Containers', Size: '0B', Reclaimable: '0B' },
    { Type: 'Build Cache', Size: '3GB', Reclaimable: '3GB' },
  ]);
  const { status, found } = await checkDockerDisk(docker, null);
  t.is(status, 'ok');
  t.is(found, 'images 1.2GB, build cache 3GB; free space unknown: not on this machine');
  const path = folder(t);
  t.true((await checkDockerDisk(docker, path)).found.endsWith(`at ${path} (images 1.2GB, build cache 3GB)`));
});

test('a root directory that does not exist here is on another machine', async t => {
  const { found } = await checkDockerDisk(usage([]), '/nowhere/docker');
  t.is(found, 'free space unknown: not on this machine');
});

test('a docker system df that fails or prints other text leaves the numbers out', async t => {
  const path = folder(t);
  for (const answer of [{ stderr: 'no' }, { stdout: 'TYPE SIZE\n{"Type": 5}\n' }]) {
    const { docker, calls } = fakeClient(() => answer);
    const { found } = await checkDockerDisk(docker, path);
    t.true(found.endsWith(`free at ${path}`), found);
    t.deepEqual(calls, ['system df --format={{json .}}']);
  }
});
