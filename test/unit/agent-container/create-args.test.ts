import test from 'ava';
import { createArgs } from '../../../src/agent-container/create-args.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';

const plan: AgentPlan = {
  ...defaultPlan,
  name: 'worker',
  workspace: { mode: 'bind', path: '/home/me/project' },
  env: { TOKEN: 'hush' },
  timeouts: { build: 1, ready: 60_000, run: 90_000, idle: null, stalled: null, stop: 10_000 },
};
const identity = { instance: 'i', runId: 'r1234567', attempt: 2, specHash: 'h', nonce: 'n' };
const args = (more: Partial<AgentPlan> = {}, cpus = 8) =>
  createArgs({ ...plan, ...more }, identity, 'sha256:abc', {
    limits: { cpus },
    createdAt: '2026-01-01T00:00:00.000Z',
  });

test('the image comes last, after --, and the name contains run, agent and attempt', t => {
  t.deepEqual(args().slice(-2), ['--', 'sha256:abc']);
  t.true(args().includes('--name=tmux-agent-r1234567-worker-2'));
});

test('the default CPU limit does not exceed the CPUs of the engine', t => {
  t.true(args().includes('--memory=4294967296'));
  t.true(args().includes('--cpus=2'));
  t.true(args({}, 1).includes('--cpus=1'));
  t.true(args({ cpus: 1.5 }).includes('--cpus=1.5'));
});

test('a path with a comma or a quote stays one CSV field and adds no mount option', t => {
  t.true(
    args({ workspace: { mode: 'bind', path: '/a,src=/' } }).includes(
      '--mount=type=bind,"source=/a,src=/",target=/workspace',
    ),
  );
  t.true(
    args({ workspace: { mode: 'bind', path: '/a"b' } }).includes(
      '--mount=type=bind,"source=/a""b",target=/workspace',
    ),
  );
});

test('an agent without a network has no alias', t => {
  t.true(args().includes('--network-alias=worker.r1234567'));
  const none = args({ network: { mode: 'none' } });
  t.true(none.includes('--network=none'));
  t.false(none.some(arg => arg.startsWith('--network-alias')));
});

test('an isolated network changes only the --network argument', t => {
  const isolated = args({ network: { mode: 'isolated' } });
  t.deepEqual(
    isolated.filter(arg => !args().includes(arg)),
    ['--network=tmux-agents-r1234567'],
  );
});

test('a list of allowed hosts sets the network of that list and the proxy variables', t => {
  const allowed = (...hosts: string[]) => args({ network: { mode: 'allow', hosts } });
  const added = allowed('a.example.com').filter(arg => !args().includes(arg));
  const [network = '', dns, ...env] = added;
  const list = /^--network=tmux-agents-r1234567-([0-9a-f]{8})$/.exec(network)![1]!;
  t.is(dns, '--dns=127.0.0.1');
  const proxy = `http://tmux-agent-r1234567-proxy-${list}:3128`;
  t.deepEqual(env, [
    `--env=HTTP_PROXY=${proxy}`,
    `--env=HTTPS_PROXY=${proxy}`,
    `--env=http_proxy=${proxy}`,
    `--env=https_proxy=${proxy}`,
    '--env=NO_PROXY=localhost,127.0.0.1',
    '--env=no_proxy=localhost,127.0.0.1',
    '--env=FTP_PROXY=',
    '--env=ftp_proxy=',
    '--env=ALL_PROXY=',
    '--env=all_proxy=',
    '--env=NODE_USE_ENV_PROXY=1',
  ]);
  t.true(allowed('a.example.com').includes(network));
  t.false(allowed('a.example.com', 'b.example.com').includes(network));
});

test('a label of the spec does not replace a label of agent-flow', t => {
  const labels = args({ labels: { 'tmux-agents': 'no' } }).filter(arg =>
    arg.startsWith('--label=tmux-agents='),
  );
  t.is(labels.at(-1), '--label=tmux-agents=true');
});

test("values of the spec's env do not appear on the command line", t => {
  t.false(args().join(' ').includes('hush'));
});

test('time limits are passed in seconds, and omitted if unset', t => {
  t.true(args().includes('--env=AGENT_RUN_LIMIT=90'));
  t.false(args().some(arg => arg.includes('AGENT_IDLE_LIMIT')));
  t.true(args({ timeouts: { ...plan.timeouts, idle: 200 } }).includes('--env=AGENT_IDLE_LIMIT=1'));
});

test('only an agent that is tried again after the loss of its host has a lease, half a minute shorter', t => {
  const lease = (more: Partial<AgentPlan>) => args(more).filter(arg => arg.includes('AGENT_LEASE'));
  t.deepEqual(lease({}), []);
  t.deepEqual(lease({ onHostLost: 'fail', hostGrace: 600_000 }), []);
  t.deepEqual(lease({ onHostLost: 'retry', hostGrace: 600_000 }), ['--env=AGENT_LEASE=570']);
  t.deepEqual(lease({ onHostLost: 'retry', hostGrace: 60_999 }), ['--env=AGENT_LEASE=30']);
});

test("the agent runs as the image's user, unless the spec sets one", t => {
  t.false(args().some(arg => arg.startsWith('--user')));
  t.true(args({ user: { uid: 1000, gid: 100 } }).includes('--user=1000:100'));
});

test('GPUs are requested by one argument, with a list of devices as one CSV field', t => {
  const gpuArgs = (gpus: AgentPlan['gpus']) => args({ gpus }).filter(arg => arg.startsWith('--gpus'));
  t.deepEqual(gpuArgs(null), []);
  t.deepEqual(gpuArgs('all'), ['--gpus=all']);
  t.deepEqual(gpuArgs(2), ['--gpus=2']);
  t.deepEqual(gpuArgs({ device: ['GPU-3faa8b2e'] }), ['--gpus=device=GPU-3faa8b2e']);
  t.deepEqual(gpuArgs({ device: ['0', '2'] }), ['--gpus="device=0,2"']);
});

test('the stop signal is always TERM', t => {
  t.true(args().includes('--stop-signal=TERM'));
});

test('the arguments request no privileges and no namespaces of the host', t => {
  t.false(
    args().some(arg =>
      /privileged|host|device|volumes-from|ipc|pid=|userns|unconfined|docker.sock/.test(arg),
    ),
  );
});

test('the default sandbox limits capabilities, privileges, processes, swap and output', t => {
  const flags = args().filter(arg => /cap-|security-opt|pids|memory|log-/.test(arg));
  t.deepEqual(flags, [
    '--cap-drop=ALL',
    '--cap-add=CHOWN',
    '--cap-add=DAC_OVERRIDE',
    '--cap-add=FOWNER',
    '--cap-add=KILL',
    '--cap-add=SETGID',
    '--cap-add=SETUID',
    '--security-opt=no-new-privileges',
    '--log-driver=json-file',
    '--log-opt=mode=blocking',
    '--log-opt=max-size=67108864',
    '--log-opt=max-file=3',
    '--log-opt=compress=false',
    '--pids-limit=4096',
    '--memory=4294967296',
    '--memory-swap=4294967296',
  ]);
});

test("a spec may widen the sandbox up to Docker's defaults, and narrow it", t => {
  const security = { capabilities: ['NET_RAW'], noNewPrivileges: false, pids: 64, log: 3 * 2 ** 20 };
  const flags = args({ security });
  t.true(flags.includes('--cap-add=NET_RAW'));
  t.deepEqual(
    flags.filter(arg => arg.startsWith('--security-opt')),
    ['--security-opt=no-new-privileges=false'],
  );
  t.true(flags.includes('--pids-limit=64'));
  t.true(flags.includes('--log-opt=max-size=1048576'));
});

test('mounts are read-only unless the spec sets readOnly: false, and a path adds no option', t => {
  const mounts = [
    { source: '/data', target: '/data', readOnly: true },
    { source: '/a,readonly=false', target: '/b', readOnly: false },
  ];
  t.deepEqual(
    args({ mounts }).filter(arg => /target=\/(data|b)/.test(arg)),
    [
      '--mount=type=bind,source=/data,target=/data,readonly=true',
      '--mount=type=bind,"source=/a,readonly=false",target=/b',
    ],
  );
});

const workspaceMount = { clone: '/state/clone', protectedPaths: [] };
const workspaceArgs = (workspace: AgentPlan['workspace'], more: object = {}) =>
  createArgs({ ...plan, workspace }, identity, 'sha256:abc', {
    limits: { cpus: 8 },
    createdAt: '2026-01-01T00:00:00.000Z',
    mount: { ...workspaceMount, ...more },
  });

test('a clone is mounted whole, and its agent starts in the directory of the spec', t => {
  const clone = {
    mode: 'clone',
    path: '/home/me/project/sub',
    repository: '/home/me/project',
    from: null,
  } as const;
  const args = workspaceArgs(clone);
  t.true(args.includes('--mount=type=bind,source=/state/clone,target=/workspace'));
  t.true(args.includes('--workdir=/workspace/sub'));
});

test('a copy and an empty workspace add no mount', t => {
  for (const workspace of [{ mode: 'copy', path: '/x' }, { mode: 'none' }] as const)
    t.false(workspaceArgs(workspace, { clone: null }).some(arg => arg.startsWith('--mount')));
});

test('the git configuration of a bound repository is mounted read-only from a snapshot', t => {
  const protectedPaths = [{ path: '.git/config', snapshot: '/state/run/config' }];
  const args = workspaceArgs({ mode: 'bind', path: '/p' }, { clone: null, protectedPaths });
  t.true(
    args.includes('--mount=type=bind,source=/state/run/config,target=/workspace/.git/config,readonly=true'),
  );
  t.deepEqual(
    args.filter(arg => arg.includes('source=/p')),
    ['--mount=type=bind,source=/p,target=/workspace'],
  );
});

test('core dumps, which would contain secrets, are disabled', t => {
  t.true(args().includes('--ulimit=core=0'));
});

test('the seal key is a label that no label of the plan replaces, and is omitted without a key', t => {
  const key = 'ab'.repeat(32);
  const sealed = createArgs({ ...plan, labels: { 'tmux-agents.seal': 'theirs' } }, identity, 'sha256:abc', {
    limits: { cpus: 8 },
    createdAt: '2026-01-01T00:00:00.000Z',
    seal: key,
  });
  t.is(
    sealed.findLast(arg => arg.startsWith('--label=tmux-agents.seal=')),
    `--label=tmux-agents.seal=${key}`,
  );
  t.false(args().some(arg => arg.startsWith('--label=tmux-agents.seal')));
});
