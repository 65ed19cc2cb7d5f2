import test from 'ava';
import { EngineError, FlowError, UsageError } from '../../../src/errors.ts';
import { checkSwarm, swarmConcurrency } from '../../../src/preflight/check-swarm.ts';
import type { AgentPlan, FlowPlan } from '../../../src/spec/plan.ts';
import { engine as usualEngine } from '../_helpers/actor-ports.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { fakeSwarm, swarmMessages, swarmNode } from '../_helpers/fake-swarm.ts';

const gib = 2 ** 30;
const address = { host: 'tcp://m:2376', env: {} };
const manager = { ...usualEngine, swarm: { nodeId: 'm', isManager: true } };
const flow = (...agents: Partial<AgentPlan>[]): FlowPlan => ({
  name: 'f',
  concurrency: null,
  agents: agents.map((agent, index) => ({ ...defaultPlan, name: 'abc'[index]!, ...agent })),
});
type Swarm = ReturnType<typeof fakeSwarm>;
const check = (plan: FlowPlan, { docker }: Pick<Swarm, 'docker'>, engine = manager, at = address) =>
  checkSwarm(plan, { docker, engine, address: at });

const concurrencyOf = (plan: FlowPlan, { docker }: Pick<Swarm, 'docker'>, engine = manager) =>
  swarmConcurrency(plan, { docker, engine });

test('an engine without a Swarm, or that only works for one, is refused with the fix', async t => {
  const swarm = fakeSwarm([swarmNode('n1')]);
  const fix = 'Name the docker context of a manager as "swarm", or make one: docker swarm init';
  await t.throwsAsync(check(flow({}), swarm, { ...manager, swarm: null as never }), {
    instanceOf: FlowError,
    message: `the Docker engine at tcp://m:2376 is in no Docker Swarm. ${fix}`,
  });
  const worker = { ...manager, swarm: { nodeId: 'm', isManager: false } };
  await t.throwsAsync(check(flow({}), swarm, worker, { host: '', env: {} }), {
    message: `the Docker engine is a worker of a Docker Swarm, and no manager. ${fix}`,
  });
  t.deepEqual(swarm.calls, []);
});

test('a Swarm that cannot be listed is an engine that does not respond', async t => {
  const swarm = fakeSwarm([], { respond: () => ({ stderr: swarmMessages.leaderless }) });
  await t.throwsAsync(check(flow({}), swarm), {
    instanceOf: EngineError,
    message: /^could not list the nodes of the Swarm: .*does not have a leader/,
  });
});

test('a Swarm without a labelled node is refused with the fix', async t => {
  const error = await t.throwsAsync(check(flow({}), fakeSwarm([swarmNode('n1', { context: null })])), {
    instanceOf: FlowError,
  });
  t.regex(error!.message, /^no node of the Docker Swarm has the label agent-flow\.context/);
  t.regex(error!.message, /docker node update --label-add agent-flow\.context=CONTEXT NODE$/);
});

test('an agent may have all that the largest node has', async t => {
  const nodes = [
    swarmNode('n1', { cpus: 2, memory: 16 * gib }),
    swarmNode('n2', { cpus: 8, memory: gib }),
    swarmNode('n3', { cpus: 64, memory: 64 * gib, context: null }),
  ];
  await t.notThrowsAsync(check(flow({ cpus: 8, memory: 16 * gib }), fakeSwarm(nodes)));
  const error = await t.throwsAsync(check(flow({ cpus: 9 }, { memory: 17 * gib }), fakeSwarm(nodes)), {
    instanceOf: UsageError,
  });
  t.is(
    error!.message,
    'agents.a.cpus: 9 is more than the 8 that any node of the Docker Swarm has\nagents.b.memory: 17g is more than the 16g that any node of the Docker Swarm has',
  );
});

test('a host that no node has as its context is refused, with those that there are', async t => {
  const nodes = [swarmNode('n1', { context: 'build1' }), swarmNode('n2', { context: 'build2' })];
  const on = (...constraints: string[]) => ({ placement: { constraints } });
  const host = (name: string) => `node.labels.agent-flow.context==${name}`;
  await t.notThrowsAsync(
    check(flow(on(host('build2')), on('node.labels.disk==ssd', 'node.role!=manager'), {}), fakeSwarm(nodes)),
  );
  await t.throwsAsync(
    check(flow(on(host('build3')), on('node.role==worker', host('x9'))), fakeSwarm(nodes)),
    {
      instanceOf: FlowError,
      message: [
        'agents.a.placement: no node of the Docker Swarm has the label agent-flow.context=build3; there are build1, build2',
        'agents.b.placement: no node of the Docker Swarm has the label agent-flow.context=x9; there are build1, build2',
      ].join('\n'),
    },
  );
});

test('the nodes with a context decide how many agents there is room for', async t => {
  const plan = flow({ memory: gib, cpus: 2 }, {});
  const room = (...nodes: ReturnType<typeof swarmNode>[]) => concurrencyOf(plan, fakeSwarm(nodes));
  const four = { cpus: 4, memory: 64 * gib };
  t.is(await room(swarmNode('n1', four), swarmNode('n2', { ...four, cpus: 8 })), 2 + 4);
  t.is(await room(swarmNode('n1', four), swarmNode('n2', { ...four, context: null })), 2);
  t.is(await room(swarmNode('n1', { context: null })), 1);
});

test('all agents may run at once in a Swarm that cannot be listed', async t => {
  const swarm = fakeSwarm([], { respond: () => ({ stderr: swarmMessages.leaderless }) });
  t.is(await concurrencyOf(flow({}, {}, {}), swarm), 3);
});

test('no more agents run at once than the isolated network has addresses for', async t => {
  const nodes = ['n1', 'n2'].map(name => swarmNode(name, { cpus: 1_000, memory: 1_000 * gib }));
  const isolated = Array.from({ length: 300 }, (_, index) => ({
    ...{ name: `a${index}`, cpus: 1, memory: gib },
    network: { mode: 'isolated' } as const,
  }));
  const plan = { ...flow(), agents: isolated.map(agent => ({ ...defaultPlan, ...agent })) };
  const larger = { ...manager, swarm: { ...manager.swarm, subnetSize: 20 } };
  // Three of 256 addresses are reserved, and each node takes one.
  t.is(await concurrencyOf(plan, fakeSwarm(nodes)), 251);
  t.is(await concurrencyOf(plan, fakeSwarm(nodes), larger), 2_000);
  await t.notThrowsAsync(check(plan, fakeSwarm(nodes)));
  await t.notThrowsAsync(check({ ...plan, concurrency: 251 }, fakeSwarm(nodes)));
  await t.notThrowsAsync(check({ ...plan, concurrency: 252 }, fakeSwarm(nodes), larger));
  await t.notThrowsAsync(
    check({ ...plan, agents: plan.agents.slice(0, 251), concurrency: 300 }, fakeSwarm(nodes)),
  );
  const error = await t.throwsAsync(check({ ...plan, concurrency: 252 }, fakeSwarm(nodes)), {
    instanceOf: FlowError,
  });
  t.regex(
    error!.message,
    /^concurrency: an isolated network .* for 251 agents at once\. Reduce "concurrency" to 251/,
  );
});

test('nodes whose firewall is unknown are named if an agent is on an isolated network', async t => {
  const isolated = flow({}, { network: { mode: 'isolated' } });
  const filtered = swarmNode('n2', { labels: { 'agent-flow.vxlan': 'filtered' } });
  t.deepEqual(await check(flow({}), fakeSwarm([swarmNode('n1')])), []);
  t.deepEqual(await check(isolated, fakeSwarm([filtered])), []);
  const [warning, ...others] = await check(isolated, fakeSwarm([swarmNode('n1'), filtered]));
  t.regex(warning!, /^on n1, agents of other runs can send forged datagrams .* agent-flow\.vxlan=filtered/);
  t.deepEqual(others, []);
  const many = Array.from({ length: 7 }, (_, index) => swarmNode(`n${index}`));
  t.regex((await check(isolated, fakeSwarm(many)))[0]!, /^on n0, n1, n2, n3, n4 and 2 more, /);
});
