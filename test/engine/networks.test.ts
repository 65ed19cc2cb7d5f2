import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { eventually, fakeDocker, isRunning, type Place, place, small } from './flow.ts';
import { innerName, outside } from './outside.ts';

const docker = async (...args: string[]) =>
  (await execa('docker', args, { reject: false, timeout: 60_000 })).stdout.trim();

const agent = (command: string, network: unknown, more: object = {}) => ({
  command: ['sh', '-c', command],
  workspace: 'workspace',
  network,
  ...small,
  ...more,
});
const untilGo = 'until [ -e go ]; do sleep 0.1; done';
const go = (here: Place) => writeFileSync(join(here.workspace, 'go'), '');
const role = (here: Place, name: string) => here.containers([`label=tmux-agents.role=${name}`]);
const allow = (...hosts: string[]) => ({ allow: hosts });

// Serial: an engine has addresses for some thirty networks in total.

/** No container and no network of any run is left. */
const nothingLeft = async (here: Place) => [...(await here.containers()), ...(await here.networks())];

/** Whether the proxy's location reaches this address: then a guard stops an agent, and not a missing connection. */
const reachesFrom = async (proxy: string, host: string, port: number) => {
  const script = `timeout 5 bash -c 'exec 3<>/dev/tcp/${host}/${port}'`;
  return (await execa('docker', ['exec', proxy, 'bash', '-c', script], { reject: false })).exitCode === 0;
};

test.serial('an isolated network exists while the run lasts, and no other run reaches it', async t => {
  const [here, there] = [place(t), place(t)];
  const client =
    'until [ -s target ]; do sleep 0.1; done; curl -s -m 20 -o /dev/null "http://$(cat target):8000/"';
  // A running container may be seconds away from a listening server.
  const serve =
    "require('http').createServer((q, r) => r.end('x')).listen(8000, () => require('fs').writeFileSync('listens', ''))";
  const server = `node -e "${serve}" & ${untilGo}`;
  const ran = here.start([
    'run',
    here.write({
      agents: { server: agent(server, 'isolated'), near: agent(client, 'isolated') },
      concurrency: 2,
    }),
    '--json',
  ]);
  const other = there.start(['run', there.write({ agents: { far: agent(client, 'isolated') } }), '--json']);
  await eventually(isRunning(here, 'server'), 'the server');
  await eventually(() => existsSync(join(here.workspace, 'listens')), 'a server that listens');
  await eventually(isRunning(here, 'near'), 'a client beside it');
  await eventually(isRunning(there, 'far'), 'a client of another run');

  t.is((await here.networks()).length, 1);
  const name = `tmux-agents-${here.runId()}`;
  t.is(
    await docker('network', 'ls', '--quiet', '--no-trunc', `--filter=name=^${name}$`),
    (await here.networks())[0]!,
  );
  const [id] = await here.containers(['label=tmux-agents.agent=server']);
  const format = '--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
  const address = await docker('inspect', format, id!);
  for (const { workspace } of [here, there]) writeFileSync(join(workspace, 'target'), address);
  const far = await other;
  t.is(JSON.parse(String(far.stdout)).agents.far.status, 'failed', 'reached a network that is not its own');
  await eventually(
    () => here.journal().some(event => event.type === 'agent.ended' && event.agent === 'near'),
    'the client beside it',
  );
  go(here);
  const near = await ran;
  t.is(JSON.parse(String(near.stdout)).agents.near.status, 'succeeded', String(near.stderr));
  t.deepEqual(await nothingLeft(here), []);
  t.deepEqual(await nothingLeft(there), []);
});

const attempts = (proxy: string, address: string) => `
${untilGo}
try() { name=$1; shift; codes=$(curl -s -m 10 -o /dev/null -w '%{http_connect} %{http_code}' "$@"); echo "$name $? $codes" >>tried; }
try get http://allowed.example.com/
try connect --proxytunnel http://allowed.example.com:443/
try under http://sub.example.org:8443/
try blocked http://blocked.example.net/
try blocked-connect --proxytunnel http://blocked.example.net:443/
try other-port http://allowed.example.com:8443/
try by-address http://${address}/
try inner http://${innerName}/
try metadata http://169.254.169.254/latest/meta-data/
try manager --noproxy '*' http://${proxy}:3128/squid-internal-mgr/info
try straight --noproxy '*' http://${address}/
try straight-by-name --noproxy '*' http://allowed.example.com/
getent hosts allowed.example.com >>looked-up
node -e "fetch('http://allowed.example.com/').then(r => r.text()).then(console.log, e => console.log(String(e)))" >node-output
true`;

test.serial(
  'an agent with a list of hosts reaches those and nothing else, and blocked hosts are reported',
  async t => {
    const world = await outside();
    t.teardown(world.close);
    const here = place(t);
    const hosts = ['allowed.example.com', '*.example.org:8443', innerName];
    const file = join(here.workspace, 'try.sh');
    const run = here.start([
      'run',
      here.write({ agents: { worker: agent('sh ./try.sh', allow(...hosts)) } }),
      '--json',
    ]);
    const proxy = await eventually(async () => (await role(here, 'proxy'))[0], 'the proxy');
    const name = await docker('inspect', '--format={{.Name}}', proxy).then(text => text.replace('/', ''));
    writeFileSync(file, attempts(name, world.address));
    await eventually(isRunning(here, 'worker'), 'a running agent');
    t.deepEqual(await role(here, 'helper'), []);
    await world.connect(proxy);
    // The hosts behind the guards are reachable without them.
    t.true(await reachesFrom(proxy, world.address, 80));
    t.true(await reachesFrom(proxy, 'blocked.example.net', 443));
    t.true(await reachesFrom(proxy, innerName, 80));
    t.not(await docker('exec', proxy, 'getent', 'hosts', 'allowed.example.com'), '');
    go(here);
    const { stdout, stderr } = await run;
    const { worker } = JSON.parse(String(stdout)).agents;
    t.is(worker.status, 'succeeded', `${stderr}\n${existsSync(file) ? '' : 'no script'}`);

    const tried = Object.fromEntries(
      readFileSync(join(here.workspace, 'tried'), 'utf8')
        .trim()
        .split('\n')
        .map(line => [line.split(' ', 1)[0], line.slice(line.indexOf(' ') + 1)]),
    );
    t.like(tried, {
      get: '0 000 200',
      connect: '0 200 200',
      under: '0 000 200',
      blocked: '0 000 403',
      'other-port': '0 000 403',
      'by-address': '0 000 403',
      inner: '0 000 403',
      metadata: '0 000 403',
      manager: '0 000 403',
    });
    t.regex(tried['blocked-connect']!, /^56 403 /);
    t.regex(tried.straight!, /^(7|28) 000 000$/);
    t.regex(tried['straight-by-name']!, /^(6|28) 000 000$/);
    t.is(readFileSync(join(here.workspace, 'looked-up'), 'utf8'), '');
    t.is(readFileSync(join(here.workspace, 'node-output'), 'utf8'), 'outside\n');
    t.deepEqual(worker.blockedHosts, [
      '169.254.169.254:80',
      `${world.address}:80`,
      'agent-flow-proxy:3128',
      'allowed.example.com:8443',
      'blocked.example.net:443',
      'blocked.example.net:80',
      `${innerName}:80`,
    ]);
    t.regex(String(stderr), /! worker: blocked: 169\.254\.169\.254:80, /);
    t.deepEqual(await nothingLeft(here), []);
  },
);

test.serial('agents with the same list share a proxy, and each gets its own blocked hosts', async t => {
  const here = place(t);
  const request = (host: string) => `curl -s -m 60 -o /dev/null http://${host}/; true`;
  const { json, stderr, exitCode } = await here.run({
    concurrency: 1,
    agents: {
      one: agent(request('one.example.net'), allow('a.example.com', 'b.example.com')),
      two: agent(request('two.example.net'), allow('b.example.com', 'a.example.com')),
      three: agent(request('three.example.net'), allow('c.example.com')),
    },
  });
  t.is(exitCode, 0, stderr);
  t.deepEqual(json.agents.one.blockedHosts, ['one.example.net:80']);
  t.deepEqual(json.agents.two.blockedHosts, ['two.example.net:80']);
  t.deepEqual(json.agents.three.blockedHosts, ['three.example.net:80']);
  const created = here
    .journal()
    .flatMap(event =>
      event.type === 'docker.call' && event.argv[1] === 'create' ? [event.argv.join(' ')] : [],
    );
  t.is(created.filter(argv => argv.includes('tmux-agents.role=proxy')).length, 2);
  t.is(created.filter(argv => argv.includes('tmux-agents.role=helper')).length, 2);
  t.deepEqual(await nothingLeft(here), []);
});

test.serial(
  'a network without isolation fails the agent before it starts and names the missing guard',
  async t => {
    const withoutInternal =
      'shift 2; exec "$real" network create $(for word; do [ "$word" = --internal ] || echo "$word"; done)';
    // The helper's output where the network only seems to be internal, for a machine without egress.
    const open = 'echo direct; echo names; exit 1';
    for (const [fakes, message] of [
      [
        { 'network create': withoutInternal },
        /^the network tmux-agents-\S+ is not internal, unlike the requested one/,
      ],
      [
        { 'start --attach': open },
        /does not enforce "allow": addresses outside can be reached past the proxy; names outside can be/,
      ],
    ] as const) {
      const here = place(t);
      const spec = { agents: { worker: agent('touch started', allow('a.example.com')) } };
      const { json, exitCode, stderr } = await here.run(spec, [], { env: fakeDocker(here, fakes) });
      t.is(exitCode, 3, stderr);
      t.is(json.agents.worker.error.kind, 'network');
      t.is(json.agents.worker.error.phase, 'networking');
      t.regex(json.agents.worker.error.message, message);
      t.false(existsSync(join(here.workspace, 'started')));
      t.deepEqual(await nothingLeft(here), []);
    }
  },
);

test.serial('a run continues behind its proxy after kill -9, and its end leaves nothing behind', async t => {
  const here = place(t);
  const command = `${untilGo}; curl -s -m 10 -o /dev/null http://evil.example.net/; true`;
  const spec = {
    agents: {
      listed: agent(command, allow('a.example.com')),
      isolated: agent(untilGo, 'isolated'),
    },
    concurrency: 2,
  };
  const engine = here.start(['run', here.write(spec)]);
  await eventually(isRunning(here, 'listed'), 'an agent behind a proxy');
  await eventually(isRunning(here, 'isolated'), 'an isolated agent');
  engine.kill('SIGKILL');
  await engine;
  t.is((await here.networks()).length, 3);
  const ps = await here.agentFlow(['ps', '--json']);
  t.deepEqual(
    ps.json.filter((row: { state: string }) => row.state === 'orphan'),
    [],
    ps.stderr,
  );
  go(here);
  const { json, exitCode, stderr } = await here.agentFlow(['resume', '--json']);
  t.is(exitCode, 0, stderr);
  t.deepEqual(json.agents.listed.blockedHosts, ['evil.example.net:80']);
  t.deepEqual(await nothingLeft(here), []);
});

for (const [when, what] of [
  ['network create', 'the network'],
  ["create --name=tmux-agent'*'", 'the proxy'],
  ['start --attach', 'the check'],
] as const)
  test.serial(`a run that is killed while it makes ${what} is resumed and leaves nothing behind`, async t => {
    const here = place(t);
    const env = fakeDocker(here, {
      // Only once: the request completes after its client is gone.
      [when]: `[ -e killed ] || { touch killed; kill -9 $PPID; sleep 1; }; exec "$real" "$@"`,
    });
    const file = here.write({ agents: { worker: agent('true', allow('a.example.com')) } });
    await here.start(['run', file], { env });
    t.true(existsSync(join(here.path, 'killed')));
    const { exitCode, json, stderr } = await here.agentFlow(['resume', '--json']);
    t.is(exitCode, 0, stderr);
    t.is(json.agents.worker.status, 'succeeded');
    t.deepEqual(await nothingLeft(here), []);
  });

test.serial('cleanup lists and removes the networks of an interrupted run', async t => {
  const here = place(t);
  const spec = { agents: { worker: agent('sleep 300', allow('a.example.com')) } };
  const engine = here.start(['run', here.write(spec)]);
  await eventually(isRunning(here, 'worker'), 'a running agent');
  const active = await here.agentFlow(['cleanup', '--dry-run', '--json']);
  t.deepEqual(active.json.networks, []);
  t.is(active.json.inUse.length, 2);
  engine.kill('SIGKILL');
  await engine;
  const dry = await here.agentFlow(['cleanup', '--dry-run']);
  t.regex(dry.stderr, new RegExp(`^network +tmux-agents-${here.runId()}-out +run ${here.runId()}$`, 'm'));
  t.is((await here.networks()).length, 2);
  const { json, exitCode, stderr } = await here.agentFlow(['cleanup', '--json']);
  t.is(exitCode, 0, stderr);
  t.is(json.removed.length, 2);
  t.is(json.networks.length, 2);
  t.deepEqual(await nothingLeft(here), []);
});

test.serial('Ctrl-C and stop remove proxies and networks', async t => {
  const spec = { agents: { worker: agent('sleep 300', allow('a.example.com')) } };
  for (const how of ['SIGINT', 'stop', 'stop without an engine'] as const) {
    const here = place(t);
    const engine = here.start(['run', here.write(spec)]);
    await eventually(isRunning(here, 'worker'), 'a running agent');
    if (how === 'SIGINT') engine.kill('SIGINT');
    if (how === 'stop without an engine') {
      engine.kill('SIGKILL');
      await engine;
    }
    if (how !== 'SIGINT') t.is((await here.agentFlow(['stop'])).exitCode, 0, how);
    await engine;
    t.deepEqual(await nothingLeft(here), [], how);
  }
});

test.serial(
  'a run that is cancelled while its network is created leaves nothing that lands later',
  async t => {
    const here = place(t);
    const env = fakeDocker(here, { 'network create': 'touch asked; sleep 2; exec "$real" "$@"' });
    const engine = here.start(['run', here.write({ agents: { worker: agent('true', 'isolated') } })], {
      env,
    });
    await eventually(() => existsSync(join(here.path, 'asked')), 'a network that is being made');
    engine.kill('SIGINT');
    await engine;
    t.deepEqual(await nothingLeft(here), []);
  },
);

test.serial('a proxy that has died is started again for the next attempt', async t => {
  const here = place(t);
  const command = `if [ -e second ]; then curl -s -m 10 -o /dev/null http://x.example.net/; exit 0; fi; touch second; ${untilGo}; exit 1`;
  const spec = { agents: { worker: agent(command, allow('a.example.com'), { retries: 1 }) } };
  const run = here.start(['run', here.write(spec), '--json']);
  await eventually(() => existsSync(join(here.workspace, 'second')), 'the first attempt');
  const [proxy] = await role(here, 'proxy');
  await docker('kill', proxy!);
  go(here);
  const { stdout, stderr } = await run;
  const { worker } = JSON.parse(String(stdout)).agents;
  t.is(worker.status, 'succeeded', String(stderr));
  t.is(worker.attempts.length, 2);
  t.deepEqual(worker.blockedHosts, ['x.example.net:80']);
  t.deepEqual(await nothingLeft(here), []);
});

test.serial('a kept container keeps its network, until stop removes both', async t => {
  const here = place(t);
  const { exitCode, stderr } = await here.run({
    agents: { worker: agent('true', 'isolated', { keep: 'always' }) },
  });
  t.is(exitCode, 0, stderr);
  t.is((await here.containers()).length, 1);
  t.is((await here.networks()).length, 1);
  const [id] = await here.containers();
  t.is(await docker('start', id!), id!);
  await docker('kill', id!);
  t.is((await here.agentFlow(['stop'])).exitCode, 0);
  t.deepEqual(await nothingLeft(here), []);
});

test.serial('a foreign network of the same name is neither used nor removed', async t => {
  const here = place(t);
  const env = fakeDocker(here, {
    'network ls': `case "$*" in *quiet*) ;; *name=*) n=\${4#--filter=name=^}; "$real" network create "\${n%$}" >>theirs;; esac; exec "$real" "$@"`,
  });
  t.teardown(async () => {
    const theirs = join(here.path, 'theirs');
    if (existsSync(theirs)) await docker('network', 'rm', ...readFileSync(theirs, 'utf8').trim().split('\n'));
  });
  const { json, exitCode } = await here.run({ agents: { worker: agent('true', 'isolated') } }, [], { env });
  t.is(exitCode, 3);
  t.is(json.agents.worker.error.kind, 'nameConflict');
  const [theirs = ''] = readFileSync(join(here.path, 'theirs'), 'utf8').split('\n');
  t.is(await docker('network', 'inspect', '--format={{.Id}}', theirs), theirs);
});

test.serial(
  'the script of --plan with a list of hosts runs with bash -e and leaves nothing behind',
  async t => {
    const here = place(t);
    const hosts = allow('a.example.com', '*.example.org:8443');
    const file = here.write({
      agents: { worker: agent('touch done', hosts), alone: agent('true', 'isolated') },
    });
    const plan = await here.agentFlow(['run', file, '--plan']);
    t.is(plan.exitCode, 0, plan.stderr);
    mkdirSync(join(here.path, 'tmp'));
    writeFileSync(join(here.path, 'plan.sh'), plan.stdout);
    const script = await execa('bash', ['-e', 'plan.sh'], { cwd: here.path, reject: false, all: true });
    t.is(script.exitCode, 0, String(script.all));
    t.true(existsSync(join(here.workspace, 'done')));
    t.deepEqual(await nothingLeft(here), []);
  },
);
