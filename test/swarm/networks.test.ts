import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { eventually, fakeDocker, isRunning, type Place, place } from '../engine/flow.ts';
import { testLimit } from '../limits.ts';
import { agent } from '../remote/client.ts';
import { forgedPing } from './forged-ping.ts';
import { eventsOf, go, hostOf } from './runs.ts';
import { swarmEngines } from './swarm-engines.ts';

const swarm = await swarmEngines(3);
swarm.upForTests();

const [h1, h2] = swarm.hosts;
const target = { swarm: 'manager' };
const onHost = (host: string, more: object = {}) => ({
  ...{ workspace: { mode: 'none' }, network: 'isolated', placement: { host }, cpus: 0.3 },
  ...more,
});
const until = 'until [ -e /tmp/go ]; do sleep 0.2; done';
const server = `node -e "require('http').createServer((q, r) => r.end('hello from ' + q.headers.host)).listen(8000, () => require('fs').writeFileSync('/tmp/listens', ''))" & ${until}`;
/** Tries each address in a file of the test, and prints which of them replied. */
const client = `until [ -e /tmp/go ]; do sleep 0.2; done
for address in $(cat /tmp/targets); do
  if reply=$(curl -s -m 10 "http://$address:8000/"); then echo "$address: $reply"; else echo "$address: none"; fi
done`;

function caller(t: ExecutionContext) {
  t.timeout(testLimit);
  const here = place(t, swarm.env);
  const start = (spec: object, options: object = {}) => {
    const run = here.start(['run', here.write({ target, concurrency: 5, ...spec }), '--json'], options);
    t.teardown(() => void run.kill('SIGKILL'));
    return run;
  };
  const instance = () => readFileSync(join(here.stateDir, 'instance'), 'utf8').trim();
  const left = async () =>
    // The shared network stays.
    (await swarm.nothingLeft(instance())).filter(line => !/ network tmux-agents$/.test(line));
  // A node forgets a network a moment after its last container.
  const nothingLeft = () =>
    eventually(async () => (await left()).length === 0, 'hosts without anything of the run');
  return { here, start, left, nothingLeft };
}

/** Run a command in the container of an agent, and return its output. */
async function inside(here: Place, name: string, script: string): Promise<string> {
  const { env } = hostOf(swarm, here, name);
  const { containerId } = eventsOf(here, 'agent.state').findLast(
    event => event.agent === name && event.containerId !== null,
  )!;
  return (await execa('docker', ['exec', containerId!, 'sh', '-c', script], { env, timeout: 60_000 })).stdout;
}

const running = (here: Place, ...names: string[]) =>
  eventually(() => names.every(name => isRunning(here, name)()), `running agents: ${names}`);

const listening = (here: Place, name: string) =>
  eventually(
    () =>
      inside(here, name, 'cat /tmp/listens').then(
        () => true,
        () => false,
      ),
    `a server: ${name}`,
  );

/** Let a client try these addresses. */
async function tries(here: Place, name: string, addresses: readonly string[]): Promise<void> {
  await inside(here, name, `echo '${addresses.join(' ')}' >/tmp/targets`);
  await go(swarm, here, name);
}

const lastWarning = (here: Place) => eventsOf(here, 'warning').at(-1)?.message ?? '';

/** Return the reply that a client got from an address. */
const replyOf = (here: Place, name: string, address: string) =>
  here
    .transcript(name)
    .split(/\r?\n/)
    .find(line => line.startsWith(`${address}: `))
    ?.slice(address.length + 2)
    .trim();

const networksOf = (here: Place) =>
  eventsOf(here, 'docker.call').filter(({ argv }) => argv[1] === 'network' && argv[2] === 'create');

test.serial(
  'agents on different nodes reach each other on an isolated network, and no other run does',
  async t => {
    const { here, start, nothingLeft } = caller(t);
    const other = caller(t);
    const run = start({
      agents: {
        server: agent(server, onHost('h2')),
        near: agent(client, onHost('h3')),
        beside: agent(client, onHost('h2')),
        manager: agent(client, onHost('h1')),
      },
    });
    const others = other.start({
      agents: {
        isolated: agent(client, onHost('h2')),
        shared: agent(client, onHost('h2', { network: 'shared' })),
        far: agent(client, onHost('h3')),
      },
    });
    await running(here, 'server', 'near', 'beside', 'manager');
    await running(other.here, 'isolated', 'shared', 'far');
    await listening(here, 'server');

    const runId = here.runId();
    const byName = [`server.${runId}`, `tmux-agent-${runId}-server-1`];
    const addresses = (await inside(here, 'server', 'hostname -I')).trim().split(' ');
    t.is(addresses.length, 2, 'one address on the overlay, and one on docker_gwbridge');
    const inner = ['nsenter', `--target=${h2!.daemon.init}`, '--net', 'curl', '-s', '-m', '10'];
    const reached = addresses.map(address =>
      execa(inner[0]!, [...inner.slice(1), `http://${address}:8000/`], { reject: false }),
    );
    const fromHost = (await Promise.all(reached)).map(({ exitCode }) => exitCode === 0);
    t.is(fromHost.filter(Boolean).length, 1, 'the server listens on docker_gwbridge as well');
    const overlay = addresses[fromHost.indexOf(false)]!;
    // The way out is the same as on a bridge.
    await t.notThrowsAsync(inside(here, 'server', `bash -c 'exec 3<>/dev/tcp/${h1!.address}/2377'`));

    for (const name of ['near', 'beside', 'manager']) await tries(here, name, [...byName, overlay]);
    for (const name of ['isolated', 'shared', 'far'])
      await tries(other.here, name, [...byName, ...addresses]);
    const far = await others;
    t.is(far.exitCode, 0, String(far.stderr));
    for (const name of ['isolated', 'shared', 'far'])
      for (const address of [...byName, ...addresses])
        t.is(replyOf(other.here, name, address), 'none', `${name} tried ${address}`);
    const ended = () => eventsOf(here, 'agent.ended').map(event => event.agent);
    await eventually(
      () => ['near', 'beside', 'manager'].every(name => ended().includes(name)),
      'the clients',
    );
    await go(swarm, here, 'server');
    const { exitCode, stderr } = await run;
    t.is(exitCode, 0, String(stderr));
    for (const name of ['near', 'beside', 'manager'])
      for (const address of [...byName, overlay])
        t.is(replyOf(here, name, address), `hello from ${address}:8000`, `${name} tried ${address}`);
    t.is(networksOf(here).length, 1);
    await nothingLeft();
    await other.nothingLeft();
  },
);

/** The rules that docs/networks.md recommends. */
const firewall = readFileSync(join(import.meta.dirname, '../../docs/networks.md'), 'utf8')
  .split('\n')
  .filter(line => line.trim().startsWith('iptables -I '))
  .map(line => line.trim().split(' '));

test.serial('a firewall on the node, as documented, stops forged datagrams of other runs', async t => {
  const { here, start, nothingLeft } = caller(t);
  const other = caller(t);
  const run = start({ agents: { server: agent(server, onHost('h2')), near: agent(client, onHost('h3')) } });
  const others = other.start({ agents: { hostile: agent(until, onHost('h2', { network: 'shared' })) } });
  await running(here, 'server', 'near');
  await running(other.here, 'hostile');
  await listening(here, 'server');

  const network = `tmux-agents-${here.runId()}`;
  const option = '{{index .Options "com.docker.network.driver.overlay.vxlanid_list"}}';
  const inspect = ['network', 'inspect', `--format=${option}`, network];
  const vni = Number((await execa('docker', inspect, { env: h2!.env, timeout: 60_000 })).stdout);
  const addresses = (await inside(here, 'server', 'hostname -I')).trim().split(' ');
  const onOverlay = addresses.find(address => address.startsWith('10.'))!;
  const source = onOverlay.replace(/\d+$/, '250');
  const program = forgedPing({ node: h2!.address, vni, target: onOverlay, source });
  const ping = () => inside(other.here, 'hostile', `node -e "$(cat <<'END'\n${program}\nEND\n)"`);
  const onNode = (args: readonly string[]) =>
    execa('nsenter', [`--target=${h2!.daemon.init}`, '--net', ...args]);
  t.is(await ping(), 'reply', 'without a firewall, another run reaches the network');
  t.is(firewall.length, 3);
  for (const rule of firewall) {
    await onNode(rule);
    t.teardown(() => onNode(rule.map(word => (word === '-I' ? '-D' : word))));
  }
  t.is(await ping(), '');

  await tries(here, 'near', [onOverlay]);
  await eventually(() => eventsOf(here, 'agent.ended').length > 0, 'the client');
  t.is(replyOf(here, 'near', onOverlay), `hello from ${onOverlay}:8000`);
  await Promise.all([go(swarm, here, 'server'), go(swarm, other.here, 'hostile')]);
  t.is((await run).exitCode, 0);
  t.is((await others).exitCode, 0);
  await nothingLeft();
  await other.nothingLeft();
});

for (const moment of ['before', 'after'] as const)
  test.serial(`a run that is killed ${moment} it creates its network has one when it is resumed`, async t => {
    const { here, start, nothingLeft } = caller(t);
    const act = moment === 'before' ? '' : '"$real" "$@" >/dev/null 2>&1;';
    const kill = `if mkdir '${join(here.path, 'once')}' 2>/dev/null; then ${act} kill -9 $PPID; exit 1; fi`;
    const agents = { server: agent(server, onHost('h2')), near: agent(client, onHost('h3')) };
    const run = start({ agents }, { env: fakeDocker(here, { 'network create': kill }) });
    t.is((await run).signal, 'SIGKILL');
    const resumed = here.start(['resume', '--json']);
    t.teardown(() => void resumed.kill('SIGKILL'));
    await running(here, 'server', 'near');
    await listening(here, 'server');
    const name = `server.${here.runId()}`;
    await tries(here, 'near', [name]);
    await eventually(() => eventsOf(here, 'agent.ended').length > 0, 'the client');
    await go(swarm, here, 'server');
    const { exitCode, stderr } = await resumed;
    t.is(exitCode, 0, String(stderr));
    t.is(replyOf(here, 'near', name), `hello from ${name}:8000`);
    await nothingLeft();
  });

test.serial(
  'a run of one node that is killed while its agent runs is resumed, and leaves nothing',
  async t => {
    const { here, start, nothingLeft } = caller(t);
    const run = start({ agents: { one: agent(until, onHost('h2')) } });
    await running(here, 'one');
    run.kill('SIGKILL');
    await run;
    const resumed = here.start(['resume', '--json']);
    t.teardown(() => void resumed.kill('SIGKILL'));
    await go(swarm, here, 'one');
    const { exitCode, stderr } = await resumed;
    t.is(exitCode, 0, String(stderr));
    await nothingLeft();
  },
);

for (const command of ['cleanup', 'stop'])
  test.serial(`a kept container keeps its network until ${command} removes both`, async t => {
    const { here, start, left, nothingLeft } = caller(t);
    const agents = {
      kept: agent('true', onHost('h2', { keep: 'always' })),
      gone: agent('true', onHost('h3')),
    };
    const { exitCode, stderr } = await start({ agents });
    t.is(exitCode, 0, String(stderr));
    const runId = here.runId()!;
    const isLeft = async () =>
      (await left())
        .filter(line => !line.startsWith('h2 network'))
        .sort()
        .join();
    await eventually(
      async () => /^h1 network tmux-agents-\S+,h2 container [0-9a-f]{12}$/.test(await isLeft()),
      'a network and a container',
    );
    const [name] = (
      await execa(
        'docker',
        ['ps', '--all', '--format={{.Names}}', `--filter=label=tmux-agents.run-id=${runId}`],
        { env: h2!.env },
      )
    ).stdout.split('\n');
    // It can be started again.
    await execa('docker', ['start', name!], { env: h2!.env, timeout: 60_000 });
    const done = await here.agentFlow(command === 'stop' ? ['stop', runId] : [command]);
    t.is(done.exitCode, 0, done.stderr);
    await nothingLeft();
  });

test.serial(
  'agents on different nodes can be on an attachable overlay of the user, and on no other',
  async t => {
    const { here, start, nothingLeft } = caller(t);
    for (const [name, flags] of [
      ['mine', ['--attachable']],
      ['services', []],
    ] as const) {
      t.teardown(() => execa('docker', ['network', 'rm', name], { env: h1!.env, reject: false }));
      await execa('docker', ['network', 'create', '--driver=overlay', ...flags, name], { env: h1!.env });
    }
    const run = start({
      agents: {
        server: agent(server, onHost('h2', { network: { name: 'mine' } })),
        near: agent(client, onHost('h3', { network: { name: 'mine' } })),
        refused: agent('true', onHost('h3', { network: { name: 'services' } })),
      },
    });
    await running(here, 'server', 'near');
    await listening(here, 'server');
    const name = `server.${here.runId()}`;
    await tries(here, 'near', [name]);
    await eventually(() => eventsOf(here, 'agent.ended').length === 2, 'the others');
    await go(swarm, here, 'server');
    const { exitCode, stdout } = await run;
    t.is(exitCode, 3);
    t.is(replyOf(here, 'near', name), `hello from ${name}:8000`);
    const { error } = JSON.parse(String(stdout)).agents.refused;
    t.is(error.kind, 'network');
    t.regex(error.message, /^the network services of the Docker Swarm is not attachable/);
    await nothingLeft();
  },
);

test.serial(
  'a node whose docker_gwbridge lets containers reach each other gets no agent on an isolated network',
  async t => {
    const { start, nothingLeft } = caller(t);
    const docker = (...args: string[]) =>
      execa('docker', args, { env: swarm.hosts[2]!.env, timeout: 60_000 });
    const recreate = async (...options: string[]) => {
      const network = 'docker_gwbridge';
      // Only the first one has the endpoint of the Swarm's own network.
      await docker('network', 'disconnect', '--force', network, 'gateway_ingress-sbox').catch(() => {});
      await docker('network', 'rm', network);
      await docker(
        'network',
        'create',
        '--opt=com.docker.network.bridge.name=docker_gwbridge',
        ...options,
        network,
      );
    };
    t.teardown(() => recreate('--opt=com.docker.network.bridge.enable_icc=false'));
    await recreate();
    const { exitCode, stdout } = await start({ agents: { one: agent('true', onHost('h3')) } });
    t.is(exitCode, 3);
    const { error } = JSON.parse(String(stdout)).agents.one;
    t.is(error.kind, 'network');
    t.regex(error.message, /containers on docker_gwbridge can reach each other/);
    await nothingLeft();
  },
);

/** Start an agent on h2, which is lost, and one on h3. */
async function lostOnH2(t: ExecutionContext) {
  const { here, ...called } = caller(t);
  const run = called.start({
    agents: {
      lost: agent(until, onHost('h2', { onHostLost: 'fail', hostGrace: '1m' })),
      stays: agent(until, onHost('h3')),
    },
  });
  await running(here, 'lost', 'stays');
  await h2!.cut();
  t.teardown(() => h2!.restore());
  const isLost = () => eventsOf(here, 'agent.ended').some(event => event.agent === 'lost');
  await eventually(isLost, 'the loss');
  return { here, run, ...called };
}

test.serial(
  'a network that a lost node may be on is reported, and removed when the node is back',
  async t => {
    const { here, run, left, nothingLeft } = await lostOnH2(t);
    await go(swarm, here, 'stays');
    const { exitCode, stdout } = await run;
    t.is(exitCode, 3);
    t.is(JSON.parse(String(stdout)).agents.stays.status, 'succeeded');
    t.regex(
      lastWarning(here),
      /could not confirm removal of this run's containers, network \S+\. Run agent-flow cleanup/,
    );
    await h2!.restore();
    await swarm.ready();
    t.true((await left()).some(line => line.startsWith('h1 network')));
    const cleanup = await here.agentFlow(['cleanup']);
    t.is(cleanup.exitCode, 0, cleanup.stderr);
    await nothingLeft();
  },
);

test.serial('a run whose lost node comes back removes the late container, and then the network', async t => {
  const { here, run, nothingLeft } = await lostOnH2(t);
  await h2!.restore();
  const isBack = () => eventsOf(here, 'warning').some(({ message }) => message.startsWith('h2 is back'));
  await eventually(isBack, 'the removal of the lost attempt');
  await go(swarm, here, 'stays');
  t.is((await run).exitCode, 3);
  t.notRegex(lastWarning(here), /could not confirm removal/);
  await swarm.ready();
  await nothingLeft();
});

test.serial('a network whose manager is away at the end is reported, and removed later', async t => {
  const { here, start, nothingLeft } = caller(t);
  const run = start({ agents: { one: agent(until, onHost('h2')) } });
  await running(here, 'one');
  h1!.daemon.pause();
  t.teardown(() => h1!.daemon.unpause());
  await go(swarm, here, 'one');
  t.is((await run).exitCode, 3);
  t.regex(lastWarning(here), /could not confirm removal of .*this run's networks of the Docker Swarm/);
  h1!.daemon.unpause();
  await swarm.ready();
  const cleanup = await here.agentFlow(['cleanup']);
  t.is(cleanup.exitCode, 0, cleanup.stderr);
  await nothingLeft();
});
