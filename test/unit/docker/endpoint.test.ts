import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Docker } from '../../../src/docker/cli.ts';
import { engineAddress, isDefaultEndpoint } from '../../../src/docker/endpoint.ts';
import { folder } from '../workspace/repositories.ts';

const context =
  (stdout: string): Docker =>
  async args => ({ args, ok: stdout !== '', exitCode: 0, stdout, stderr: '', cutOff: null });
const at = (host: string) => context(JSON.stringify({ Name: 'x', Endpoints: { docker: { Host: host } } }));

test('the address of the engine is that of DOCKER_HOST, else of the context, without a password', async t => {
  t.is(await engineAddress(at('ssh://me@host'), {}), 'ssh://me@host');
  t.is(await engineAddress(at('ssh://me@host'), { DOCKER_HOST: 'unix:///x' }), 'unix:///x');
  t.is(await engineAddress(at('unix:///x'), { DOCKER_HOST: 'tcp://me:secret@host:2375' }), 'tcp://host:2375');
  t.is(await engineAddress(context(''), {}), '');
  t.is(await engineAddress(context('no JSON'), {}), '');
});

test('the default socket is known by its path and by links to it; every other address is another endpoint', t => {
  const link = join(folder(t), 'docker.sock');
  symlinkSync('/var/run/docker.sock', link);
  for (const address of ['', 'unix:///var/run/docker.sock', `unix://${link}`])
    t.true(isDefaultEndpoint(address), address);
  for (const address of [
    'unix:///run/user/1000/docker.sock',
    'unix:///tmp/forwarded.sock',
    'tcp://localhost:2375',
    'ssh://me@host',
    'http://localhost:2375',
  ])
    t.false(isDefaultEndpoint(address), address);
});
