import test from 'ava';
import { leaseSeconds } from '../../../src/agent-container/lease.ts';
import type { Container } from '../../../src/docker/containers.ts';
import { examine } from '../../../src/recovery/adoptable.ts';
import type { OwnOrphan } from '../../../src/recovery/orphans.ts';
import { fakeClient, rejection } from '../_helpers/actor-ports.ts';

const orphan = (id: string, labels: Readonly<Record<string, string>> = {}): OwnOrphan => ({
  origin: 'ours',
  runId: 'r1234567',
  agent: 'a',
  attempt: 1,
  container: {
    id,
    name: `tmux-agent-r1234567-a-1-${id}`,
    image: 'sha256:1',
    labels: { 'tmux-agents.spec-hash': 'f00d', 'tmux-agents.ai-provider': 'codex', ...labels },
  } as unknown as Container,
});

interface Detail {
  readonly env?: readonly string[] | null;
  readonly host?: object;
  readonly mounts?: readonly object[] | null;
  readonly networks?: object | null;
}

const workspace = { Type: 'bind', Source: '/repo', Destination: '/workspace' };
const inspect = (
  id: string,
  { env = ['AGENT_NONCE=n1'], host, mounts = [workspace], networks = {} }: Detail = {},
) => ({
  Id: id,
  Config: { Env: env },
  HostConfig: { NetworkMode: 'tmux-agents', Memory: 2 ** 30, NanoCpus: 1.5e9, ...host },
  Mounts: mounts,
  NetworkSettings: { Networks: networks },
});
const examined = (details: readonly object[], orphans = [orphan('c1')]) =>
  examine(fakeClient(() => ({ stdout: JSON.stringify(details) })).docker, orphans);

test('the plan of an orphan has its workspace, limits and provider, and starts nothing', async t => {
  const env = ['AGENT_NONCE=n1', 'AGENT_RUN_LIMIT=60', 'AGENT_IDLE_LIMIT=5', 'A=b=c'];
  const { found, refused } = await examined([inspect('c1', { env })]);
  t.deepEqual(refused, []);
  t.deepEqual(found[0]!.identity, { nonce: 'n1', specHash: 'f00d' });
  t.like(found[0]!.plan, {
    name: 'a',
    provider: 'codex',
    image: 'sha256:1',
    memory: 2 ** 30,
    cpus: 1.5,
    retries: 0,
    keep: 'never',
    workspace: { mode: 'bind', path: '/repo' },
    network: { mode: 'bridge', name: 'tmux-agents' },
  });
  t.deepEqual(found[0]!.plan.command, []);
  t.like(found[0]!.plan.timeouts, { run: 60_000, idle: 5_000 });
});

test('an orphan with a lease gets a plan with the same lease', async t => {
  const planWith = async (lease: string) =>
    (await examined([inspect('c1', { env: ['AGENT_NONCE=n1', ...(lease && [`AGENT_LEASE=${lease}`])] })]))
      .found[0]!.plan;
  const plan = await planWith('570');
  t.like(plan, { onHostLost: 'retry', hostGrace: 600_000 });
  t.is(leaseSeconds(plan), 570);
  for (const lease of ['', 'x']) t.is(leaseSeconds(await planWith(lease)), null);
});

test('limits that are missing or not numbers are none', async t => {
  const env = ['AGENT_NONCE=n1', 'AGENT_RUN_LIMIT=1e9', 'AGENT_IDLE_LIMIT='];
  const { found } = await examined([inspect('c1', { env, host: { NanoCpus: 0 } })]);
  t.like(found[0]!.plan.timeouts, { run: null, idle: null });
  t.is(found[0]!.plan.cpus, null);
});

test('the connected network counts, since Podman reports the mode bridge for every network', async t => {
  const network = async (mode: string, networks: object | null) =>
    (await examined([inspect('c1', { host: { NetworkMode: mode }, networks })])).found[0]!.plan.network;
  t.deepEqual(await network('bridge', { mine: {} }), { mode: 'bridge', name: 'mine' });
  t.deepEqual(await network('mine', null), { mode: 'bridge', name: 'mine' });
  t.deepEqual(await network('none', { none: {} }), { mode: 'none' });
  t.deepEqual(await network('bridge', { '../x': {} }), { mode: 'none' });
});

test('an orphan without a valid nonce or a workspace is refused with the reason', async t => {
  const why = async (detail: Detail) =>
    (await examined([inspect('c1', detail)])).refused.map(({ why }) => why);
  for (const env of [[], null, ['AGENT_NONCE='], ['AGENT_NONCE=$(id)'], [`AGENT_NONCE=${'a'.repeat(65)}`]])
    t.deepEqual(await why({ env }), ['it has no AGENT_NONCE'], JSON.stringify(env));
  for (const mounts of [[], null, [{ Type: 'tmpfs', Destination: '/workspace' }]])
    t.deepEqual(await why({ mounts }), ['it has no /workspace'], JSON.stringify(mounts));
});

test('an orphan that was removed meanwhile is neither found nor refused', async t => {
  const { docker } = fakeClient(() => ({
    ok: false,
    stdout: JSON.stringify([inspect('c1')]),
    stderr: 'Error: No such container: c2',
  }));
  const { found, refused } = await examine(docker, [orphan('c1'), orphan('c2')]);
  t.deepEqual(
    found.map(({ orphan }) => orphan.container.id),
    ['c1'],
  );
  t.deepEqual(refused, []);
});

test('docker is not called without orphans, and its failure rejects', async t => {
  const { docker, calls } = fakeClient(() => ({ stderr: 'Cannot connect to the Docker daemon' }));
  t.deepEqual(await examine(docker, []), { found: [], refused: [] });
  t.deepEqual(calls, []);
  t.regex((await rejection(examine(docker, [orphan('c1')]))).message, /Cannot connect/);
});

test('control characters of a provider label do not reach the plan', async t => {
  const { found } = await examined(
    [inspect('c1')],
    [orphan('c1', { 'tmux-agents.ai-provider': 'x\u001b[2J\ny' })],
  );
  t.notRegex(found[0]!.plan.provider, /\p{Cc}/u);
});
