import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import type { DockerOptions } from '../../../src/docker/cli.ts';
import type { ContainerEnd } from '../../../src/docker/container-ends.ts';
import { label } from '../../../src/docker/labels.ts';
import type { BrokerOptions } from '../../../src/networks/broker-options.ts';
import { runBroker } from '../../../src/networks/brokers.ts';
import { vaultOf } from '../../../src/secrets/vault.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { agent, end, fakeClient, never } from '../_helpers/actor-ports.ts';

const key = 'sk-real-91f2c07a55d1';
const broker = {
  ...{ upstream: 'https://api.example.com', base: '', paths: ['POST /v1/messages'] },
  ...{ header: 'x-api-key', prefix: '', placeholder: 'sk-', isCustom: false },
};
const brokered = (name: string, fields: Partial<AgentPlan> = {}) =>
  agent({ name, secrets: [{ name: 'KEY', file: null, broker }], ...fields });
const owned = { [label.instance]: 'i1', [label.runId]: 'r1234567' };
const noLimits = async () => null;
const idOf = (digit: string) => digit.repeat(64);

/** A broker of these agents before a docker that remembers its containers. */
function start(agents: readonly AgentPlan[], env: Record<string, string> = { KEY: key }) {
  const inputs: string[] = [];
  const containers = new Map<string, { id: string; state: string; networks: string[] }>();
  let made = 0;
  const respond = (args: readonly string[], { input }: DockerOptions) => {
    if (input !== undefined) inputs.push(String(input));
    const [command] = args;
    if (args.join(' ').startsWith('image inspect'))
      return { stdout: JSON.stringify([{ Id: 'sha256:broker', Config: { Labels: {} } }]) };
    if (command === 'create') {
      const name = args.find(arg => arg.startsWith('--name='))!.slice(7);
      const id = idOf(String(++made));
      containers.set(name, { id, state: 'created', networks: ['out'] });
      return { stdout: id };
    }
    const known = [...containers.values()].find(({ id }) => id === args.at(-1));
    if (command === 'start' && known) known.state = 'running';
    if (command === 'start') return { stdout: args.includes('--attach') ? '' : args.at(-1)! };
    if (command === 'network') known?.networks.push(args.at(-2)!);
    if (command === 'container') {
      const found = [...containers].filter(([name, { id }]) => args.includes(name) || args.includes(id));
      return { stdout: JSON.stringify(found.map(([name, state]) => inspected(name, state))) };
    }
    if (args.includes('usage')) return { stdout: `${JSON.stringify(usage)}\n` };
    if (command === 'logs') return { stdout: `${JSON.stringify(logged)}\nnot JSON\n` };
    if (command === 'exec') return { stdout: 'loaded\n' };
    return undefined;
  };
  const { docker, calls } = fakeClient(respond);
  const ends = new Map<string, PromiseWithResolvers<ContainerEnd>>();
  const plan = { name: 'f', concurrency: null, agents };
  const options: BrokerOptions = {
    ...{ agents, instance: 'i1', runId: 'r1234567', docker, vault: vaultOf(plan, env) },
    placeholder: (name, variable) => `placeholder-${name}-${variable}`,
    watcher: {
      ended(id) {
        const wait = Promise.withResolvers<ContainerEnd>();
        ends.set(id, wait);
        return wait.promise;
      },
    },
    images: { docker, source: new URL('../../../docker', import.meta.url).pathname },
    ...{ supportedLimits: {} as never, hasOtherFiles: false, buildTimeout: 1_000, signal: never },
  };
  return { ...runBroker(options, async ({ name }) => name), calls, inputs, containers, ends };
}

const inspected = (
  name: string,
  { id, state, networks }: { id: string; state: string; networks: string[] },
) => ({
  ...{ Id: id, Name: `/${name}`, Created: '2026-11-30T00:00:00Z', Image: 'sha256:broker' },
  State: {
    Status: state,
    ExitCode: 0,
    StartedAt: '2026-11-30T00:00:00Z',
    FinishedAt: '2026-11-30T00:00:00Z',
  },
  Config: { Image: 'tmux-agents-broker:latest', Labels: owned },
  NetworkSettings: {
    Networks: Object.fromEntries(networks.map(network => [network, { NetworkID: network }])),
  },
});

const usage = { turns: null, inputTokens: 10, cachedInputTokens: 0, outputTokens: 5, costUsd: null };
const tokens = { inputTokens: 7, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 3 };
const logged = { agent: 'a', attempt: 1, usage: { model: 'm', ...tokens } };

const creates = (calls: readonly string[]) => calls.filter(call => call.startsWith('create ')).length;

test('one broker is brought up for all agents, and its keys are on its standard input only', async t => {
  const agents = [brokered('a'), brokered('b'), agent({ name: 'c' })];
  const { ensure, calls, inputs } = start(agents);
  await Promise.all(agents.map(plan => ensure(plan, never)));
  await ensure(agents[0]!, never);
  t.is(creates(calls), 1);
  t.is(inputs.length, 1);
  t.deepEqual(
    JSON.parse(inputs[0]!).credentials.map(({ agent, placeholder, container, key }: never) => [
      agent,
      placeholder,
      container,
      key,
    ]),
    [
      ['a', 'placeholder-a-KEY', 'tmux-agent-r1234567-a-', key],
      ['b', 'placeholder-b-KEY', 'tmux-agent-r1234567-b-', key],
    ],
  );
  t.false(calls.join('\n').includes(key));
});

test('nothing is done for agents without a key of the broker', async t => {
  const plain = agent({ name: 'a' });
  const { ensure, keep, attach, calls } = start([plain]);
  await ensure(plain, never);
  await keep(plain, 1, noLimits);
  await attach(plain, { id: idOf('a'), attempt: 1, image: 'sha256:1' }, never);
  t.deepEqual(calls, []);
});

test('a broker that has ended is replaced, and given the keys again', async t => {
  const { ensure, calls, inputs, containers, ends } = start([brokered('a')]);
  await ensure(brokered('a'), never);
  containers.get('tmux-agent-r1234567-broker')!.state = 'exited';
  ends.get(idOf('1'))!.resolve(end);
  while (inputs.length < 2) await turn();
  t.is(creates(calls), 2);
  t.true(calls.includes(`rm --force --volumes ${idOf('1')}`));
  const [first, second] = inputs.map(input => JSON.parse(input).credentials);
  t.deepEqual(first, second);
});

test('another broker continues with the limits, and with the usage that is in the log of the first', async t => {
  const plan = brokered('a');
  const { ensure, limit, inputs, containers, ends } = start([plan]);
  await ensure(plan, never);
  await limit(plan, 1, { outputTokens: 100 }, never);
  t.deepEqual(JSON.parse(inputs[1]!).limits, [{ agent: 'a', attempt: 1, budget: { outputTokens: 100 } }]);
  containers.get('tmux-agent-r1234567-broker')!.state = 'exited';
  ends.get(idOf('1'))!.resolve(end);
  while (inputs.length < 3) await turn();
  const { limits, used } = JSON.parse(inputs[2]!);
  t.deepEqual(limits, JSON.parse(inputs[1]!).limits);
  t.like(used, [
    { agent: 'a', attempt: 1, usage: { inputTokens: 7, outputTokens: 3, models: { m: tokens } } },
  ]);
});

test('the usage of an attempt is read from the broker', async t => {
  const plan = brokered('a');
  const { ensure, readUsage, counted, calls } = start([plan]);
  await readUsage(plan, 1, never);
  t.is(counted('a', 1), null);
  await ensure(plan, never);
  await readUsage(plan, 1, never);
  t.deepEqual(counted('a', 1), usage);
  t.true(calls.at(-1)!.endsWith('usage a 1'));
});

test('the broker of an agent that runs already is kept', async t => {
  const { keep, inputs } = start([brokered('a')]);
  await keep(brokered('a'), 1, noLimits);
  await keep(brokered('a'), 1, noLimits);
  t.is(inputs.length, 1);
});

test('an agent whose secret is missing has no credential yet, and the others have', async t => {
  const missing = brokered('b', { secrets: [{ name: 'OTHER', file: null, broker }] });
  const { ensure, inputs } = start([brokered('a'), missing]);
  await ensure(brokered('a'), never);
  t.deepEqual(
    JSON.parse(inputs[0]!).credentials.map(({ agent }: never) => agent),
    ['a'],
  );
});

test('a container is connected to the network of the broker, unless it is on that of a proxy', async t => {
  const shared = brokered('a', { network: { mode: 'bridge', name: 'tmux-agents' } });
  const allowed = brokered('b', { network: { mode: 'allow', hosts: ['example.com'] } });
  const { attach, calls } = start([shared, allowed]);
  await attach(shared, { id: idOf('a'), attempt: 1, image: 'sha256:1' }, never);
  await attach(allowed, { id: idOf('b'), attempt: 1, image: 'sha256:1' }, never);
  const connects = calls.filter(call => call.startsWith('network connect'));
  t.is(connects.length, 1);
  t.regex(connects[0]!, new RegExp(`^network connect tmux-agents-r1234567-broker-[0-9a-f]{8} ${idOf('a')}$`));
});

test('agents with the same image and mounts are searched for keys once', async t => {
  const agents = ['a', 'b', 'c'].map(name => brokered(name));
  const { attach, calls } = start(agents);
  for (const plan of agents) await attach(plan, { id: idOf('a'), attempt: 1, image: 'sha256:1' }, never);
  await attach(agents[0]!, { id: idOf('a'), attempt: 1, image: 'sha256:2' }, never);
  t.is(creates(calls), 2);
  t.false(calls.join('\n').includes(key));
});

for (const [place, fields] of [
  ['the variable OTHER', { env: { OTHER: `key=${key}` } }],
  ['its command', { command: ['echo', key] }],
  ['its prompt', { prompt: `Use ${key}` }],
] as const)
  test(`an agent with the key in ${place} is not started`, async t => {
    const plan = brokered('a', fields);
    const { attach, calls } = start([plan]);
    const error = await t.throwsAsync(attach(plan, { id: idOf('a'), attempt: 1, image: 'sha256:1' }, never));
    t.true(error.message.startsWith(`the key in KEY is in ${place}, `));
    t.false(error.message.includes(key));
    t.is(creates(calls), 0);
  });
