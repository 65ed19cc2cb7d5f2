import { symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'ava';
import type { Docker } from '../../../src/docker/cli.ts';
import {
  currentAddress,
  currentContext,
  dockerEnv,
  engineAddress,
  isDefaultSocket,
  isNetworkAddress,
} from '../../../src/docker/engine-address.ts';
import { folder } from '../_helpers/repositories.ts';

/** Create a docker with this current context. */
const within =
  (context: object | null): Docker =>
  async args => ({
    args,
    ok: context !== null,
    exitCode: context === null ? 1 : 0,
    stdout: context === null ? '' : JSON.stringify(context),
    stderr: '',
    interrupted: null,
  });
const plain = (host: string) => ({ Name: 'desk', Endpoints: { docker: { Host: host } }, TLSMaterial: {} });
const defaultContext = within(plain('unix:///var/run/docker.sock'));

test('the address is that of the current engine, however it is selected', async t => {
  for (const [docker, env, expected] of [
    [defaultContext, {}, { DOCKER_HOST: 'unix:///var/run/docker.sock' }],
    [defaultContext, { DOCKER_HOST: 'ssh://me@host' }, { DOCKER_HOST: 'ssh://me@host' }],
    // DOCKER_HOST takes precedence over contexts.
    [defaultContext, { DOCKER_HOST: 'tcp://h:1', DOCKER_CONTEXT: 'desk' }, { DOCKER_HOST: 'tcp://h:1' }],
    [within(plain('ssh://me@host')), { DOCKER_CONTEXT: 'desk' }, { DOCKER_HOST: 'ssh://me@host' }],
    [
      defaultContext,
      { DOCKER_HOST: 'unix://run/docker.sock' },
      { DOCKER_HOST: `unix://${resolve('run/docker.sock')}` },
    ],
    [
      defaultContext,
      { DOCKER_HOST: 'tcp://h:1', DOCKER_TLS_VERIFY: '1', HOME: '/home/me' },
      { DOCKER_HOST: 'tcp://h:1', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/home/me/.docker' },
    ],
    [
      defaultContext,
      { DOCKER_HOST: 'tcp://h:1', DOCKER_CERT_PATH: '/certs' },
      { DOCKER_HOST: 'tcp://h:1', DOCKER_CERT_PATH: '/certs' },
    ],
    // Without a readable context, the environment stays as it is.
    [within(null), {}, {}],
    [within(null), { DOCKER_CONTEXT: 'gone' }, { DOCKER_CONTEXT: 'gone' }],
  ] as const)
    t.deepEqual((await currentAddress(docker, env)).env, expected as Record<string, string>);
});

test('a context with certificates stays a context, since they are in its directory', async t => {
  const secured = within({ ...plain('tcp://h:2376'), TLSMaterial: { docker: ['ca.pem', 'cert.pem'] } });
  t.deepEqual(await currentAddress(secured, { HOME: '/home/me' }), {
    host: 'tcp://h:2376',
    env: { DOCKER_CONTEXT: 'desk', DOCKER_CONFIG: '/home/me/.docker' },
  });
  t.is(
    (await currentAddress(secured, { DOCKER_CONFIG: '/etc/docker-client' })).env.DOCKER_CONFIG,
    '/etc/docker-client',
  );
});

test('the name of the context is returned with its address, if docker has used one', async t => {
  t.like(await currentContext(defaultContext, {}), {
    name: 'desk',
    address: { host: 'unix:///var/run/docker.sock' },
  });
  t.is((await currentContext(defaultContext, { DOCKER_HOST: 'tcp://h:1' })).name, null);
  t.is((await currentContext(within(null), {})).name, null);
});

test('the displayed address has no password', async t => {
  const { host, env } = await currentAddress(defaultContext, { DOCKER_HOST: 'tcp://me:hush@h:2375' });
  t.is(host, 'tcp://h:2375');
  t.is(env.DOCKER_HOST, 'tcp://me:hush@h:2375');
});

test('an address replaces all variables that select an engine', t => {
  const address = { host: '', env: { DOCKER_HOST: 'tcp://h:1' } };
  t.deepEqual(dockerEnv(address, {}), {
    DOCKER_HOST: 'tcp://h:1',
    DOCKER_CONTEXT: undefined,
    DOCKER_TLS_VERIFY: undefined,
    DOCKER_CERT_PATH: undefined,
    DOCKER_DEFAULT_PLATFORM: undefined,
  });
  t.deepEqual(dockerEnv(null, {}), { DOCKER_DEFAULT_PLATFORM: undefined });
});

test('relative paths become absolute, since docker runs in another directory', t => {
  const env = {
    PATH: 'bin::/usr/bin',
    DOCKER_HOST: 'unix://./docker.sock',
    DOCKER_CONFIG: 'config',
    DOCKER_CERT_PATH: 'certs',
  };
  t.like(dockerEnv(null, env), {
    PATH: `${resolve('bin')}:${resolve('.')}:/usr/bin`,
    DOCKER_HOST: `unix://${resolve('docker.sock')}`,
    DOCKER_CONFIG: resolve('config'),
    DOCKER_CERT_PATH: resolve('certs'),
  });
  const address = { host: '', env: { DOCKER_HOST: 'tcp://h:1' } };
  t.like(dockerEnv(address, env), { DOCKER_HOST: 'tcp://h:1', DOCKER_CERT_PATH: undefined });
});

test('a stored address may contain only variables of docker', t => {
  const address = { host: 'tcp://h:1', env: { DOCKER_HOST: 'tcp://h:1' } };
  t.deepEqual(engineAddress.parse(address), address);
  for (const env of [{ PATH: '/evil' }, { LD_PRELOAD: '/evil.so' }, { DOCKER_HOST: 1 }])
    t.throws(() => engineAddress.parse({ ...address, env }));
});

test('the default socket is recognized by its path and by links to it', t => {
  const link = join(folder(t), 'docker.sock');
  symlinkSync('/var/run/docker.sock', link);
  for (const address of ['', 'unix:///var/run/docker.sock', `unix://${link}`])
    t.true(isDefaultSocket(address), address);
  // The target of a link need not exist.
  symlinkSync('/no/such/docker.sock', `${link}2`);
  t.false(isDefaultSocket(`unix://${link}2`));
  for (const address of [
    'unix:///run/user/1000/docker.sock',
    'unix:///tmp/forwarded.sock',
    'tcp://localhost:2375',
    'ssh://me@host',
    'http://localhost:2375',
  ])
    t.false(isDefaultSocket(address), address);
});

test('docker reaches an address of tcp, http and ssh over a network, and a socket without', t => {
  for (const address of [
    'tcp://127.0.0.1:2375',
    'SSH://me@build1',
    'http://build1:2375',
    'https://build1:2376',
  ])
    t.true(isNetworkAddress(address), address);
  for (const address of [
    '',
    'unix:///tmp/tcp://',
    'npipe:////./pipe/docker_engine',
    'fd://',
    '/run/docker.sock',
  ])
    t.false(isNetworkAddress(address), address);
});
