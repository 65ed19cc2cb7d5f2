import test from 'ava';
import { emptyFolder, helperArgs } from '../../../src/agent-container/helper.ts';
import type { Docker } from '../../../src/docker/cli.ts';
import { containerSupportOf } from '../../../src/docker/engine-info.ts';

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

test('a helper has no network, minimal privileges and no label of an agent', t => {
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

test('emptyFolder works on an engine that remaps users and supports no limits', async t => {
  const engine = containerSupportOf({
    ...{ CpuCfsQuota: false, MemoryLimit: false },
    SecurityOptions: ['name=seccomp,profile=builtin', 'name=userns'],
  });
  const calls: (readonly string[])[] = [];
  const docker: Docker = async args => {
    calls.push(args);
    const isGone = args[0] === 'container';
    const stdout = args[0] === 'create' ? 'id' : '';
    const stderr = isGone ? 'Error: No such container: x' : '';
    return { args, ok: !isGone, exitCode: isGone ? 1 : 0, stdout, stderr, interrupted: null };
  };
  t.true((await emptyFolder(docker, engine, { instance: 'i', runId: 'r1234567', path: '/runs/agents' })).ok);
  const create = calls.find(([verb]) => verb === 'create')!;
  t.true(create.includes('--userns=host'));
  t.false(create.some(arg => /^--(cpus|memory)=/.test(arg)));
  t.true(create.includes('--pids-limit=128'));
});
