import test from 'ava';
import type { Docker } from '../../../src/docker/cli.ts';
import { grantSecrets } from '../../../src/networks/grant-secrets.ts';

const certificate = '-----BEGIN CERTIFICATE-----\nb3Vycw==\n-----END CERTIFICATE-----\n';
const message = {
  agent: 'worker',
  grants: [
    {
      placeholder: 'agent_flow_1',
      value: 'the-value',
      header: 'Authorization: Bearer $',
      hosts: ['a.example.com:443'],
    },
  ],
  authorities: '',
};
const never = new AbortController().signal;

const grant = async (stdout: string, ok = true) => {
  const calls: { args: readonly string[]; input: string }[] = [];
  const docker: Docker = async (args, { input = '' } = {}) => {
    calls.push({ args, input: String(input) });
    const stderr = ok ? '' : 'Error response from daemon: container 0123 is not running';
    return { args, ok, exitCode: ok ? 0 : 1, stdout, stderr, interrupted: null };
  };
  return { calls, result: await grantSecrets(docker, 'proxy-id', message, never).catch(error => error) };
};

test('secrets are on standard input, and on no command line', async t => {
  const { calls, result } = await grant(certificate);
  t.is(result, certificate);
  t.deepEqual(calls, [
    {
      args: ['exec', '--interactive', 'proxy-id', 'proxy-grant', '/run/proxy'],
      input: JSON.stringify(message),
    },
  ]);
});

test('a proxy that ended, or returns no certificate, is a failure that names no secret', async t => {
  for (const { result } of [
    await grant('', false),
    await grant(''),
    await grant("-----BEGIN CERTIFICATE-----\n'; touch x; '\n-----END CERTIFICATE-----\n"),
  ]) {
    t.true(result instanceof Error);
    t.false(String(result.message).includes('the-value'));
  }
});
