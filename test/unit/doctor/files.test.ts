import { realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { checkSharedFiles } from '../../../src/doctor/files.ts';
import { separateMounts } from '../../../src/preflight/mount-namespace.ts';
import { fakeClient } from '../_helpers/actor-ports.ts';
import { folder } from '../_helpers/repositories.ts';

const engine = { ServerVersion: '28.0.0', NCPU: 8, MemTotal: 16e9, Name: hostname() };

test('the files of an engine at the default socket are not checked without a reason', async t => {
  const { docker, calls } = fakeClient();
  const env = { DOCKER_HOST: 'unix:///var/run/docker.sock' };
  const { found } = await checkSharedFiles(engine, { docker, env, stateDir: folder(t) });
  // The tests may run in a container, which is a reason.
  const reason = separateMounts({ env });
  if (reason === null) t.is(found, 'the engine mounts the files of this machine');
  else t.true(found.startsWith(reason));
  t.is(calls.length > 0, reason !== null);
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
