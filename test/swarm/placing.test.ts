import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { RunEvent } from '../../src/events.ts';
import { eventually, fakeDocker, isRunning, killed, place, small } from '../engine/flow.ts';
import { testLimit } from '../limits.ts';
import { agent, client } from '../remote/client.ts';
import { eventsOf, go } from './runs.ts';
import { swarmEngines } from './swarm-engines.ts';

const swarm = await swarmEngines(3);
swarm.upForTests();

const [manager] = swarm.hosts;
const target = { swarm: 'manager' };
const bare = { workspace: { mode: 'none' } };
const until = 'until [ -e /tmp/go ]; do echo tick; sleep 0.2; done';

/** A client whose runs are placed by the Swarm. Nothing of it is left on any host at the end of a test. */
function caller(t: ExecutionContext) {
  t.timeout(testLimit);
  const here = place(t, swarm.env);
  const nothingLeft = async () => {
    const instance = readFileSync(join(here.stateDir, 'instance'), 'utf8').trim();
    // Docker removes the container of a service a moment after the service.
    await eventually(
      async () => (await swarm.nothingLeft(instance)).length === 0,
      'hosts without anything of the run',
    );
  };
  return { here, nothingLeft };
}

const names = (count: number) => Array.from({ length: count }, (_, index) => `a${index + 1}`);
const agents = (count: number, plan: object) => Object.fromEntries(names(count).map(name => [name, plan]));

test.serial('30 agents at once are spread over the nodes, and run as anywhere', async t => {
  const { here, nothingLeft } = caller(t);
  const { exitCode, json, stderr } = await here.run({
    target,
    concurrency: 31,
    agents: {
      ...agents(30, agent('hostname', { ...bare, cpus: 0.1 })),
      last: agent('true', { ...bare, cpus: 0.1, placement: { host: 'h2' } }),
    },
  });
  t.is(exitCode, 0, stderr);
  const hosts = Object.groupBy(names(30), name => json.agents[name].host);
  t.deepEqual(Object.keys(hosts).sort(), ['h1', 'h2', 'h3']);
  // Room that an agent has released is given to the next one, so that the shares differ.
  t.true(
    Object.values(hosts).every(placed => placed!.length >= 4),
    JSON.stringify(hosts),
  );
  t.true(names(30).every(name => json.agents[name].attempts.length === 1));
  t.is(json.agents.last.host, 'h2');
  t.deepEqual(
    eventsOf(here, 'agent.ended')
      .map(({ agent }) => agent)
      .sort(),
    [...names(30), 'last'].sort(),
  );
  t.regex((await here.agentFlow(['logs', 'last'])).stdout, /sh -ec true/);
  await nothingLeft();
});

test.serial('a clone is made on the node, and its work comes back', async t => {
  t.timeout(testLimit);
  const { here, git } = await client(t, { daemon: manager!.daemon, env: swarm.env });
  const { exitCode, json, stderr } = await here.run({
    target,
    agents: {
      first: agent('echo 1 >first; git add .; git commit --quiet -m first', { placement: { host: 'h2' } }),
      second: agent('cat first; echo 2 >second; git add .; git commit --quiet -m second', {
        ...{ dependsOn: ['first'], placement: { host: 'h3' } },
        workspace: { mode: 'clone', path: 'repository', from: 'first' },
      }),
    },
  });
  t.is(exitCode, 0, stderr);
  t.is(await git('ls-tree', '--name-only', `agent-flow/${json.runId}/second`), 'README\nfirst\nsecond');
  t.deepEqual(await swarm.nothingLeft(null), []);
});

test.serial('agents wait for room, with the reason of Swarm, and two runs share it', async t => {
  const { here, nothingLeft } = caller(t);
  const other = caller(t);
  // Two processors on each node: room for three of these.
  const large = agent(until, { ...bare, ...small, cpus: 1.5 });
  const first = here.start([
    'run',
    here.write({ target, concurrency: 3, agents: agents(3, large) }),
    '--json',
  ]);
  t.teardown(() => void first.kill('SIGKILL'));
  await eventually(() => names(3).every(name => isRunning(here, name)()), 'three running agents');
  t.is(new Set(eventsOf(here, 'agent.placed').map(({ host }) => host)).size, 3);
  const second = other.here.start([
    'run',
    other.here.write({ target, agents: { a1: agent('true', { ...bare, ...small, cpus: 1.5 }) } }),
    '--json',
  ]);
  t.teardown(() => void second.kill('SIGKILL'));
  const isPending = (event: RunEvent) => event.type === 'agent.state' && event.state === 'placing.pending';
  await eventually(() => other.here.journal().some(isPending), 'an agent without a host');
  t.regex(
    String(eventsOf(other.here, 'agent.state').find(isPending)?.cause),
    /no suitable node \(insufficient resources on 3 nodes\)/,
  );
  t.regex((await other.here.agentFlow(['ps'])).stdout, /waiting for a host/);
  await go(swarm, here, 'a2');
  const ended = await second;
  t.is(ended.exitCode, 0, String(ended.stderr));
  t.is(
    JSON.parse(String(ended.stdout)).agents.a1.host,
    eventsOf(here, 'agent.placed').find(({ agent }) => agent === 'a2')!.host,
  );
  await Promise.all([go(swarm, here, 'a1'), go(swarm, here, 'a3')]);
  t.is((await first).exitCode, 0);
  await nothingLeft();
  await other.nothingLeft();
});

test.serial('a run that is stopped leaves no reservation', async t => {
  const { here, nothingLeft } = caller(t);
  const spec = {
    target,
    concurrency: 2,
    agents: {
      placed: agent(until, bare),
      waiting: agent('true', { ...bare, placement: { constraints: ['node.labels.none==such'] } }),
    },
  };
  const run = here.start(['run', here.write(spec), '--json']);
  t.teardown(() => void run.kill('SIGKILL'));
  await eventually(
    () =>
      isRunning(here, 'placed')() &&
      eventsOf(here, 'agent.state').some(
        ({ agent, state }) => agent === 'waiting' && state === 'placing.pending',
      ),
    'one running agent, and one without a host',
  );
  t.is((await here.agentFlow(['stop'])).exitCode, 0);
  await run;
  await nothingLeft();
});

test.serial('a killed run is resumed where its agents are, and stopped', async t => {
  const { here, nothingLeft } = caller(t);
  const spec = { target, concurrency: 3, agents: agents(3, agent(until, bare)) };
  await killed(here, spec, () => names(3).every(name => isRunning(here, name)()));
  const placed = eventsOf(here, 'agent.placed');
  const run = here.start(['resume', '--json']);
  t.teardown(() => void run.kill('SIGKILL'));
  await Promise.all(names(3).map(name => go(swarm, here, name)));
  const { exitCode, stdout, stderr } = await run;
  t.is(exitCode, 0, String(stderr));
  const result = JSON.parse(String(stdout));
  for (const { agent, host } of placed) {
    t.is(result.agents[agent].host, host);
    t.is(result.agents[agent].attempts.length, 1);
  }
  await nothingLeft();
});

/** Calls at which the supervisor is killed: at the first of each kind, before docker acts, or after it. */
const steps = ['service create', 'service ps', 'create', 'start', 'service rm'] as const;

for (const moment of ['before', 'after'] as const)
  test.serial(`a run that is killed ${moment} a step of placing is resumed`, async t => {
    await Promise.all(
      steps.map(async step => {
        const { here, nothingLeft } = caller(t);
        const kill = `if mkdir '${join(here.path, 'once')}' 2>/dev/null; then ${moment === 'before' ? '' : '"$real" "$@" >/dev/null 2>&1;'} kill -9 $PPID; exit 1; fi`;
        const env = fakeDocker(here, { [step]: kill });
        const spec = { target, agents: { one: agent('echo ran', bare) } };
        const run = here.start(['run', here.write(spec), '--json'], { env });
        t.teardown(() => void run.kill('SIGKILL'));
        t.is((await run).signal, 'SIGKILL', step);
        const { exitCode, json, stderr } = await here.agentFlow(['resume', '--json']);
        t.is(exitCode, 0, `${step}: ${stderr}`);
        t.is(json.agents.one.attempts.length, 1, step);
        t.is(here.transcript('one').match(/^ran$/gm)?.length, 1, step);
        await nothingLeft();
      }),
    );
  });
