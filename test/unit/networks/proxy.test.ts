import test from 'ava';
import type { StepError } from '../../../machines/step-error.ts';
import { proxyNames } from '../../../src/agent-container/names.ts';
import type { Docker } from '../../../src/docker/cli.ts';
import { ensureProxy } from '../../../src/networks/proxy.ts';
import { proxyArgs } from '../../../src/networks/proxy-args.ts';
import { verifyEgressRules } from '../../../src/networks/proxy-check.ts';

const hosts = ['api.example.com'];
const names = proxyNames('r1234567', hosts);
const identity = { instance: 'i', runId: 'r1234567', names, image: 'sha256:1' };
const newId = 'e'.repeat(64);

const container = (more: object = {}, status = 'running') => ({
  Id: 'old',
  Name: `/${names.proxy}`,
  Created: '2026-01-02T12:00:00Z',
  Image: 'sha256:1',
  State: {
    Status: status,
    ExitCode: 0,
    StartedAt: '2026-01-02T12:00:01Z',
    FinishedAt: '0001-01-01T00:00:00Z',
  },
  Config: {
    Image: 'tmux-agents-proxy:latest',
    Labels: { 'tmux-agents.instance': 'i', 'tmux-agents.run-id': 'r1234567' },
  },
  NetworkSettings: { Networks: { a: { NetworkID: 'in' }, b: { NetworkID: 'out' } } },
  ...more,
});

/** An engine with this container under the proxy's name. Its helper prints `helperOutput`. */
function engine(found: object | null, helperOutput = '') {
  const calls: string[] = [];
  const docker: Docker = async args => {
    calls.push(args.slice(0, args[0] === 'create' ? 1 : 4).join(' '));
    const response = (stdout: string, stderr = '', ok = stderr === '') => {
      return { args, ok, exitCode: ok ? 0 : 1, stdout, stderr, interrupted: null };
    };
    if (args[0] === 'container')
      return found ? response(JSON.stringify([found])) : response('[]', 'Error: No such container: x');
    if (args[0] === 'create') return response(`${newId}\n`);
    const log = '1767355200| begin\nFATAL: Bungled squid.conf\n';
    if (args[0] === 'logs') return { ...response('', '', true), printed: log };
    if (args[1] === '--attach') return response(helperOutput, '', helperOutput === '');
    return response('');
  };
  const options = { docker, signal: new AbortController().signal };
  const request = { rules: { hosts, secretHosts: [] }, networks: { inside: 'in', outside: 'out' } };
  const ensure = async () => (await ensureProxy(identity, request, options)).isNew;
  return { ensure, check: () => verifyEgressRules(identity, options), calls };
}

const inspect = `container inspect ${names.proxy}`;
const create = ['create', `network connect in ${newId}`, `start ${newId}`];

test('a proxy is created, connected, then started', async t => {
  const { ensure, calls } = engine(null);
  t.true(await ensure());
  t.deepEqual(calls, [inspect, ...create]);
});

test('a running proxy on both networks is kept', async t => {
  const { ensure, calls } = engine(container());
  t.false(await ensure());
  t.deepEqual(calls, [inspect]);
});

for (const [what, found] of [
  ['has ended', container({}, 'exited')],
  ['was created and never started', container({}, 'created')],
  ['is not on the inner network', container({ NetworkSettings: { Networks: { b: { NetworkID: 'out' } } } })],
  ['is on a network that was recreated', container({ NetworkSettings: { Networks: {} } })],
  ['is of another image', container({ Image: 'sha256:2' })],
] as const)
  test(`a proxy that ${what} is replaced`, async t => {
    const { ensure, calls } = engine(found);
    t.true(await ensure());
    t.deepEqual(calls, [inspect, 'rm --force --volumes old', ...create]);
  });

test("a foreign container with the proxy's name is neither used nor removed", async t => {
  const { ensure, calls } = engine(container({ Config: { Image: 'theirs', Labels: null } }));
  const error = (await t.throwsAsync(ensure())) as StepError;
  t.is(error.kind, 'nameConflict');
  t.deepEqual(calls, [inspect]);
});

test('the proxy has no capabilities, no root, no writable files, and limits', t => {
  const args = proxyArgs(identity, { hosts, secretHosts: [] });
  for (const flag of [
    '--cap-drop=ALL',
    '--security-opt=no-new-privileges',
    '--read-only',
    '--user=13:13',
    '--memory=256m',
    '--pids-limit=64',
    '--sysctl=net.ipv4.ip_forward=0',
    '--restart=no',
    `--network=${names.outside}`,
  ])
    t.true(args.includes(flag), flag);
  t.deepEqual(args.slice(-2), ['--', 'sha256:1']);
  t.false(args.some(arg => /privileged=|cap-add|publish|volume|mount/.test(arg)));
});

test('verifyEgressRules passes if the rules hold, and removes its container', async t => {
  const { check, calls } = engine(null);
  await check();
  t.deepEqual(calls.slice(1), ['create', `start --attach ${newId}`, `rm --force --volumes ${newId}`]);
});

test('the error of a proxy that does not respond contains the end of its log', async t => {
  const { check, calls } = engine(null, 'proxy\n');
  const error = (await t.throwsAsync(check())) as StepError;
  t.regex(
    error.message,
    /the proxy does not respond \(1767355200\| begin\nFATAL: Bungled squid\.conf\)\. No agent was started/,
  );
  t.true(calls.includes(`logs --tail=5 ${names.proxy}`));
});

test('verifyEgressRules names each broken rule, and removes its container', async t => {
  const { check, calls } = engine(null, 'direct\nnames\n');
  const error = (await t.throwsAsync(check())) as StepError;
  t.is(error.kind, 'network');
  t.regex(
    error.message,
    /does not enforce "allow": addresses outside can be reached past the proxy; names outside can be resolved past/,
  );
  t.is(calls.at(-1), `rm --force --volumes ${newId}`);
});
