import test from 'ava';
import type { StepError } from '../../../machines/step-error.ts';
import type { Docker } from '../../../src/docker/cli.ts';
import { ensureRunNetwork, removeRunNetwork } from '../../../src/networks/run-networks.ts';

const ours = { 'tmux-agents.instance': 'i', 'tmux-agents.run-id': 'r1234567' };
const network = (Id: string, more: object = {}) => ({
  Id,
  Name: 'tmux-agents-r1234567',
  Driver: 'bridge',
  Internal: false,
  Labels: ours as Record<string, string>,
  ...more,
});

/** An engine with these networks. `fails` maps the beginning of a call to its error; `ignoresInternal` ignores --internal. */
function engine(
  networks: readonly ReturnType<typeof network>[],
  fails: Record<string, string> = {},
  ignoresInternal = false,
) {
  let existing = [...networks];
  const calls: string[] = [];
  const docker: Docker = async args => {
    const call = args.join(' ');
    calls.push(call);
    const [, stderr = ''] = Object.entries(fails).find(([begin]) => call.startsWith(begin)) ?? [];
    const response = (stdout: string) => {
      const ok = stderr === '';
      return { args, ok, exitCode: ok ? 0 : 1, stdout: ok ? stdout : '', stderr, interrupted: null };
    };
    if (call.startsWith('network ls'))
      return response(
        existing.map(({ Id, Name, Driver }) => JSON.stringify({ ID: Id, Name, Driver })).join('\n'),
      );
    if (call.startsWith('network inspect'))
      return response(JSON.stringify(existing.filter(({ Id }) => args.includes(Id))));
    if (call.startsWith('network create') && stderr === '')
      existing.push(network('new', { Internal: args.includes('--internal') && !ignoresInternal }));
    if (call.startsWith('network rm') && stderr === '')
      existing = existing.filter(({ Id }) => Id !== args[2]);
    return response('');
  };
  const options = { docker, instance: 'i', runId: 'r1234567' };
  const ensure = (kind: 'open' | 'internal' | 'peerIsolated' = 'open') =>
    ensureRunNetwork({ name: 'tmux-agents-r1234567', kind }, options);
  return { docker, ensure, created: () => calls.filter(call => call.startsWith('network create')), calls };
}

test('a network of the run is created once, with the labels of its owner', async t => {
  const { ensure, created } = engine([]);
  t.is(await ensure(), 'new');
  t.is(await ensure(), 'new');
  t.deepEqual(created(), [
    'network create --driver=bridge --label=tmux-agents=true --label=tmux-agents.instance=i --label=tmux-agents.run-id=r1234567 --label=tmux-agents.role=network -- tmux-agents-r1234567',
  ]);
});

test('an internal network is created with --internal, and a peer-isolated one without inter-container traffic', async t => {
  const internal = engine([]);
  await internal.ensure('internal');
  t.true(internal.created()[0]!.includes(' --internal '));
  const isolated = engine([]);
  await isolated.ensure('peerIsolated');
  t.true(isolated.created()[0]!.includes(' --opt=com.docker.network.bridge.enable_icc=false '));
});

for (const [what, found, kind] of [
  ['without labels', network('x', { Labels: null }), 'open'],
  ['of another instance', network('x', { Labels: { ...ours, 'tmux-agents.instance': 'j' } }), 'open'],
  ['of another run', network('x', { Labels: { ...ours, 'tmux-agents.run-id': 'r7654321' } }), 'open'],
] as const)
  test(`a network with the name but ${what} is refused for an ${kind} one`, async t => {
    const { ensure, created } = engine([found]);
    const error = (await t.throwsAsync(ensure(kind))) as StepError;
    t.is(error.kind, 'nameConflict');
    t.regex(error.message, /held by network x, which is not ours\. Rename or remove that one/);
    t.deepEqual(created(), []);
  });

test('a network of ours that is not internal is refused as an internal one', async t => {
  for (const engineWithout of [engine([network('x')]), engine([], {}, true)]) {
    const error = (await t.throwsAsync(engineWithout.ensure('internal'))) as StepError;
    t.is(error.kind, 'network');
    t.regex(error.message, /^the network tmux-agents-r1234567 is not internal, unlike the requested one/);
  }
});

test('an exhausted address pool is reported with a hint', async t => {
  const full = 'Error response from daemon: all predefined address pools have been fully subnetted';
  const error = (await t.throwsAsync(engine([], { 'network create': full }).ensure())) as StepError;
  t.is(error.kind, 'outOfResources');
  t.regex(error.message, /docker network prune/);
});

test('a missing network counts as removed, and a network in use is reported with its containers', async t => {
  t.is(await removeRunNetwork(engine([], { 'network rm': 'Error: No such network: x' }).docker, 'x'), null);
  const docker: Docker = async args => {
    const row = { ID: 'c'.repeat(64), State: 'exited', Names: 'theirs', Labels: '' };
    const stdout = args[0] === 'ps' ? JSON.stringify(row) : '';
    return { args, ok: true, exitCode: 0, stdout, stderr: '', interrupted: null };
  };
  t.deepEqual(await removeRunNetwork(docker, 'x'), {
    users: ['c'.repeat(64)],
    why: 'container theirs is on it',
  });
});
