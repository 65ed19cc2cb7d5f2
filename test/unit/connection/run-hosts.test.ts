import test from 'ava';
import type { EngineConnection } from '../../../src/connection/engine-connection.ts';
import { connectHosts, hostNames, hostOf, planOn, titleOf } from '../../../src/connection/run-hosts.ts';
import { EngineError } from '../../../src/errors.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';

const agents = [
  { ...defaultPlan, name: 'a' },
  { ...defaultPlan, name: 'b', placement: { host: 'box' } },
  { ...defaultPlan, name: 'c', placement: { host: 'alias' } },
];
const connectionTo = (id: string, hostName = 'h') => ({ engine: { id, hostName } }) as EngineConnection;

test('the hosts of a plan are the engine of the run and those that its agents name', t => {
  t.deepEqual(hostNames(agents), [null, 'box', 'alias']);
  t.deepEqual(hostNames(agents.slice(1)), ['box', 'alias']);
});

test('two names of one engine are one host, which has the agents of both', async t => {
  const ids = new Map([
    [null, 'X'],
    ['box', 'Y'],
    ['alias', 'X'],
  ]);
  const hosts = await connectHosts(hostNames(agents), async name => connectionTo(ids.get(name)!));
  t.deepEqual(
    hosts.map(({ names }) => names),
    [[null, 'alias'], ['box']],
  );
  t.deepEqual(hosts.map(titleOf), [null, 'box']);
  const plan = { name: 'f', concurrency: null, agents };
  t.deepEqual(
    hosts.map(host => planOn(plan, host).agents.map(({ name }) => name)),
    [['a', 'c'], ['b']],
  );
  t.is(hostOf(hosts, agents[2]!), hosts[0]);
});

test('engines of copied machines, which have the same id, are two hosts', async t => {
  const hosts = await connectHosts(['box', 'alias'], async name => connectionTo('X', String(name)));
  t.is(hosts.length, 2);
});

test('the error of a connection names its host, unless it is the engine of the run', async t => {
  const fail = (name: string | null) =>
    connectHosts([name], async () => {
      throw new EngineError('no engine responds');
    });
  await t.throwsAsync(fail('box'), { instanceOf: EngineError, message: 'host box: no engine responds' });
  await t.throwsAsync(fail(null), { instanceOf: EngineError, message: 'no engine responds' });
});
