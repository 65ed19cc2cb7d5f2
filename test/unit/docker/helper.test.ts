import test from 'ava';
import type { Docker } from '../../../src/docker/cli.ts';
import { remoteEndpoint } from '../../../src/docker/endpoint.ts';
import { helperArgs } from '../../../src/docker/helper.ts';

const helper = {
  instance: 'i',
  runId: 'r1234567',
  owner: { agent: 'fixer', attempt: 2 },
  image: 'sha256:abc',
  command: 'agent-collect',
  mounts: [
    { source: '/a,src=/', target: '/workspace', isWritable: true },
    { source: '/in', target: '/in' },
  ],
  args: ['branch', 'base', 'note'],
  user: '1000:1000',
  groups: [27],
} as const;

test('a helper has no network, no more rights than it needs, and no label that makes it an agent', t => {
  const args = helperArgs(helper);
  t.true(args.includes('--name=tmux-agent-r1234567-fixer-2-collect'));
  for (const flag of [
    '--network=none',
    '--cap-drop=ALL',
    '--security-opt=no-new-privileges',
    '--pids-limit=128',
    '--ulimit=core=0',
    '--user=1000:1000',
    '--group-add=27',
    '--mount=type=bind,source=/in,target=/in,readonly=true',
  ])
    t.true(args.includes(flag), flag);
  t.true(args.includes('--label=tmux-agents.role=helper'));
  t.false(args.some(arg => arg.startsWith('--label=tmux-agents.agent=')));
  t.true(args.includes('--mount=type=bind,"source=/a,src=/",target=/workspace'));
  t.deepEqual(args.slice(-5), ['--', 'sha256:abc', 'branch', 'base', 'note']);
});

const context =
  (stdout: string): Docker =>
  async args => ({ args, ok: stdout !== '', exitCode: 0, stdout, stderr: '', cutOff: null });
const at = (host: string) => context(JSON.stringify({ Name: 'x', Endpoints: { docker: { Host: host } } }));

test('an engine is remote where its address is no socket of this machine', async t => {
  t.is(await remoteEndpoint(at('unix:///var/run/docker.sock'), {}), null);
  t.is(await remoteEndpoint(at('ssh://me@host'), {}), 'ssh://me@host');
  t.is(await remoteEndpoint(context(''), {}), null);
  t.is(
    await remoteEndpoint(at('unix:///x'), { DOCKER_HOST: 'tcp://me:secret@host:2375' }),
    'tcp://host:2375',
  );
  t.is(await remoteEndpoint(at('ssh://me@host'), { DOCKER_HOST: 'unix:///x' }), null);
});
