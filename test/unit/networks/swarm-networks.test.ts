import test from 'ava';
import type { StepError } from '../../../machines/step-error.ts';
import type { Docker } from '../../../src/docker/cli.ts';
import { checkAttachment } from '../../../src/networks/attachment.ts';
import { swarmNetworks } from '../../../src/networks/swarm-networks.ts';
import { never } from '../_helpers/actor-ports.ts';

const name = 'tmux-agents-r1234567';
const ours = { 'tmux-agents.instance': 'i', 'tmux-agents.run-id': 'r1234567' };
const overlay = (more: object = {}) => ({
  ...{ Id: 'x', Name: name, Driver: 'overlay', Scope: 'swarm', Internal: false, Attachable: true },
  ...{ Options: null, Labels: ours as Record<string, string> | null },
  ...more,
});
const bridge = (more: object = {}) =>
  overlay({ Driver: 'bridge', Scope: 'local', Attachable: false, ...more });
const gateway = (peers?: string) =>
  bridge({
    ...{ Id: 'g', Name: 'docker_gwbridge', Labels: null },
    Options: peers === undefined ? {} : { 'com.docker.network.bridge.enable_icc': peers },
  });

/** An engine with these networks. `failures` are the errors of its next calls, in this order. */
function engine(networks: readonly ReturnType<typeof overlay>[], failures: readonly string[] = []) {
  const existing = [...networks];
  const calls: string[] = [];
  const errors = [...failures];
  const docker: Docker = async args => {
    calls.push(args.join(' '));
    const stderr = errors.shift() ?? '';
    const response = (stdout: string, ok = stderr === '') => {
      return { args, ok, exitCode: ok ? 0 : 1, stdout: ok ? stdout : '', stderr, interrupted: null };
    };
    if (args[1] === 'inspect')
      return response(
        JSON.stringify(existing.filter(({ Id, Name }) => args.includes(Id) || args.includes(Name))),
      );
    if (args[1] === 'create' && stderr === '') existing.push(overlay({ Id: 'new' }));
    return response('');
  };
  const networksOf = () =>
    swarmNetworks({
      docker,
      instance: 'i',
      runId: 'r1234567',
      clock: { sleep: async () => {} },
      signal: never,
    });
  return {
    docker,
    networksOf,
    calls,
    created: () => calls.filter(call => call.startsWith('network create')),
  };
}

test('the isolated network is an attachable overlay with the labels of its run, created once for all agents', async t => {
  const { networksOf, created } = engine([]);
  const networks = networksOf();
  const both = await Promise.all([networks.ensureIsolated(never), networks.ensureIsolated(never)]);
  t.deepEqual([...both, await networks.ensureIsolated(never)], Array(3).fill({ id: 'new', name }));
  t.deepEqual(created(), [
    `network create --driver=overlay --attachable --label=tmux-agents=true --label=tmux-agents.instance=i --label=tmux-agents.run-id=r1234567 --label=tmux-agents.role=network -- ${name}`,
  ]);
});

test('the network of an earlier process is found', async t => {
  const { networksOf, created } = engine([overlay()]);
  t.deepEqual(await networksOf().ensureIsolated(never), { id: 'x', name });
  t.deepEqual(created(), []);
});

test('a create that Swarm refuses, since another came first, finds the network of that one', async t => {
  const { docker, calls } = engine([]);
  const racing: Docker = async (args, options) => {
    const result = await docker(args, options);
    const stderr =
      'Error response from daemon: rpc error: code = Unknown desc = name conflicts with an existing object';
    return args[1] === 'create' ? { ...result, ok: false, exitCode: 1, stderr } : result;
  };
  const networks = swarmNetworks({
    ...{ docker: racing, instance: 'i', runId: 'r1234567' },
    ...{ clock: { sleep: async () => {} }, signal: never },
  });
  t.deepEqual(await networks.ensureIsolated(never), { id: 'new', name });
  t.is(calls.filter(call => call.startsWith('network create')).length, 1);
});

for (const [what, found, kind, message] of [
  ['without labels', overlay({ Labels: null }), 'nameConflict', /held by network x, which is not ours/],
  ['a bridge', bridge(), 'network', /has the driver bridge, not overlay, unlike the requested one/],
  [
    'not attachable',
    overlay({ Attachable: false }),
    'network',
    /is not attachable, unlike the requested one/,
  ],
  [
    'internal',
    overlay({ Internal: true }),
    'network',
    /is internal, .*docker network rm tmux-agents-r1234567$/,
  ],
] as const)
  test(`a network with the name that is ${what} is refused`, async t => {
    const { networksOf, created } = engine([found]);
    const error = (await t.throwsAsync(networksOf().ensureIsolated(never))) as StepError;
    t.is(error.kind, kind);
    t.regex(error.message, message);
    t.deepEqual(created(), []);
  });

test('managers that do not respond are waited for, and every other error is reported', async t => {
  const away =
    'Error response from daemon: rpc error: code = Unknown desc = The swarm does not have a leader.';
  const { networksOf, calls } = engine(
    [overlay()],
    [away, 'Cannot connect to the Docker daemon at tcp://m:1'],
  );
  t.deepEqual(await networksOf().ensureIsolated(never), { id: 'x', name });
  t.is(calls.filter(call => call.startsWith('network inspect')).length, 3);
  const refusing = engine([], ['Error response from daemon: no']);
  t.regex((await t.throwsAsync(refusing.networksOf().ensureIsolated(never)))!.message, /: no$/);
});

test('close aborts what is under way, and reports that its effect is in doubt', async t => {
  const idle = engine([]).networksOf();
  t.false(await idle.close());
  const hanging: Docker = (_, options) =>
    new Promise((_, reject) =>
      options!.signal!.addEventListener('abort', () => reject(options!.signal!.reason)),
    );
  const networks = swarmNetworks({
    ...{ docker: hanging, instance: 'i', runId: 'r1234567' },
    ...{ clock: { sleep: async () => {} }, signal: never },
  });
  const ensured = networks.ensureIsolated(never);
  t.true(await networks.close());
  await t.throwsAsync(ensured);
});

test('a network of the user is found by its name if it is an attachable overlay', async t => {
  const mine = { Name: 'mine', Labels: null };
  t.deepEqual(
    await engine([overlay(mine)])
      .networksOf()
      .find('mine', never),
    { id: 'x', name: 'mine' },
  );
  t.is(
    await engine([bridge(mine)])
      .networksOf()
      .find('mine', never),
    null,
  );
  t.is(await engine([]).networksOf().find('mine', never), null);
  const services = engine([overlay({ ...mine, Attachable: false })]).networksOf();
  const error = (await t.throwsAsync(services.find('mine', never))) as StepError;
  t.is(error.kind, 'network');
  t.regex(
    error.message,
    /is not attachable, so that only services can be on it.*create --driver overlay --attachable mine$/,
  );
});

const attachment = (networks: readonly ReturnType<typeof overlay>[], failures: readonly string[] = []) =>
  checkAttachment({ id: 'x', name }, { docker: engine(networks, failures).docker, signal: never });

test('containers can be attached on a node that has the network, or has not seen it yet', async t => {
  await t.notThrowsAsync(attachment([overlay(), gateway('false')]));
  await t.notThrowsAsync(attachment([gateway('false')]));
  // Docker creates its bridge when the first container is attached.
  await t.notThrowsAsync(attachment([]));
  await t.notThrowsAsync(attachment([], ['Error: No such network: docker_gwbridge']));
});

test('a node with a network of its own by this name is refused', async t => {
  const error = (await t.throwsAsync(attachment([bridge({ Id: 'b' }), gateway('false')]))) as StepError;
  t.is(error.kind, 'nameConflict');
  t.regex(error.message, /held by network b, which is not ours/);
});

test('a node whose docker_gwbridge lets containers reach each other is refused', async t => {
  for (const peers of ['true', undefined]) {
    const error = (await t.throwsAsync(attachment([gateway(peers)]))) as StepError;
    t.is(error.kind, 'network');
    t.regex(error.message, /docker_gwbridge can reach each other.*enable_icc=false$/);
  }
});
