import { realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { checkSharedFiles } from '../../../src/doctor/files.ts';
import { fakeClient } from '../_helpers/actor-ports.ts';
import { folder } from '../_helpers/repositories.ts';

const engine = { ServerVersion: '28.0.0', NCPU: 8, MemTotal: 16e9, Name: hostname() };

test('an engine at the default socket of this machine mounts its files, without a container', async t => {
  const { docker, calls } = fakeClient(() => ({ stdout: '' }));
  const finding = await checkSharedFiles(engine, {
    docker,
    env: { DOCKER_HOST: 'unix:///var/run/docker.sock' },
    stateDir: folder(t),
  });
  t.like(finding, { status: 'ok', found: 'the engine mounts the files of this machine' });
  t.deepEqual(calls, []);
});

test('an engine at another address without the base image causes a warning with a hint to build it', async t => {
  const { docker } = fakeClient(args =>
    args[0] === 'create' || args[0] === 'image' ? { stderr: 'Error: No such image: x' } : undefined,
  );
  const { status, found, hint } = await checkSharedFiles(engine, {
    docker,
    env: { DOCKER_HOST: 'tcp://far:2375' },
    stateDir: join(realpathSync(folder(t)), 'none'),
  });
  t.is(status, 'warn');
  t.regex(found, /^the Docker engine is at tcp:\/\/far:2375; /);
  t.is(hint, 'run agent-flow build: this check needs the base image');
});
