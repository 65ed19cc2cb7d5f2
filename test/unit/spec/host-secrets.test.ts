import test from 'ava';
import { planSchema } from '../../../src/spec/plan-schema.ts';
import { faults, parse, plan, problems } from '../_helpers/spec.ts';

const secret = (more: object = {}) => ({ name: 'FORGE_TOKEN', hosts: ['api.example.com'], ...more });
const faultsOf = async (fields: object) => (await faults(fields)).join('\n');

test('a secret with hosts has a port and a header', async t => {
  const { secrets } = await plan({ secrets: [secret(), 'PLAIN'] });
  t.deepEqual(secrets, [
    {
      name: 'FORGE_TOKEN',
      file: null,
      byHost: { hosts: ['api.example.com:443'], header: 'Authorization: Bearer $' },
    },
    { name: 'PLAIN', file: null },
  ]);
  const hosts = ['git.example.com:8443', 'api.example.com', 'api.example.com:443'];
  const own = await plan({ secrets: [secret({ hosts, header: 'X-Api-Key: $' })] });
  t.deepEqual(own.secrets[0]!.byHost, {
    hosts: ['api.example.com:443', 'git.example.com:8443'],
    header: 'X-Api-Key: $',
  });
});

test('a host that is not exactly one is refused', async t => {
  for (const [host, why] of [
    ['*.example.com', 'no wildcards'],
    ['10.0.0.1', 'IP addresses are not allowed'],
    ['localhost', 'a full name, with a dot in it'],
    ['https://api.example.com', 'only the host, without a scheme or path'],
    ['@github', 'only the host'],
  ] as const)
    t.regex(
      await faultsOf({ secrets: [secret({ hosts: [host] })] }),
      new RegExp(`hosts\\[0\\]: .*${why}`),
      host,
    );
  t.regex(await faultsOf({ secrets: [secret({ hosts: [] })] }), /hosts: .*expected at least one host/);
  const many = Array.from({ length: 21 }, (_, index) => `h${index}.example.com`);
  t.regex(await faultsOf({ secrets: [secret({ hosts: many })] }), /hosts: .*expected at most 20 hosts/);
});

test('a header that is none, or belongs to the connection, is refused', async t => {
  for (const header of [
    '',
    'Authorization',
    'Authorization: Bearer',
    'A: $ $',
    'A b: $',
    'A: $\nB: x',
    'A: é$',
  ])
    t.regex(
      await faultsOf({ secrets: [secret({ header })] }),
      /header: .*expected a header with one "\$"/,
      header,
    );
  for (const header of ['Host: $', 'content-length: $', 'Transfer-Encoding: $'])
    t.regex(await faultsOf({ secrets: [secret({ header })] }), /belongs to the connection$/, header);
  t.regex(
    await faultsOf({ secrets: [{ name: 'A', header: 'X: $' }] }),
    /header: .*for a secret with "hosts"/,
  );
});

test('a secret that its agent cannot send to its host is refused', async t => {
  const secrets = [secret()];
  t.regex(await faultsOf({ secrets, network: 'none' }), /^secrets: secrets with "hosts" need a network/);
  t.regex(await faultsOf({ secrets, security: { capabilities: ['NET_RAW'] } }), /^secrets: with NET_RAW/);
  for (const host of ['other.example.com', '*.api.example.com', 'api.example.com:8443'])
    t.regex(
      await faultsOf({ secrets, network: { allow: [host] } }),
      /^secrets: FORGE_TOKEN is for api\.example\.com, which is not in "network": \{"allow"/,
      host,
    );
  for (const host of ['api.example.com', '*.example.com', 'api.example.com:443'])
    t.deepEqual(await faults({ secrets, network: { allow: [host] } }), [], host);
});

test('the hosts of all secrets of a flow are limited', async t => {
  const agent = (from: number) => ({
    command: ['x'],
    secrets: [secret({ hosts: Array.from({ length: 20 }, (_, index) => `h${from + index}.example.com`) })],
  });
  const agents = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, agent(20 * index)]));
  t.deepEqual(await problems({ agents: agents(5) }), []);
  t.regex((await problems({ agents: agents(6) })).join('\n'), /^agents: .*at most 100 different hosts/);
});

test('a plan with such a secret is read back, and one with another host or header is not', async t => {
  const flow = await parse({ agents: { a: { command: ['x'], secrets: [secret()] } } });
  t.deepEqual(planSchema.parse(structuredClone(flow)) as unknown, flow);
  const [agent] = flow.agents;
  for (const byHost of [
    { hosts: ['*.example.com:443'], header: 'A: $' },
    { hosts: ['api.example.com'], header: 'A: $' },
    { hosts: ['api.example.com:443'], header: 'Host: $' },
    { hosts: ['api.example.com:443'], header: 'A: $\r\nB: x' },
  ]) {
    const changed = { ...flow, agents: [{ ...agent, secrets: [{ name: 'A', file: null, byHost }] }] };
    t.false(planSchema.safeParse(changed).success, JSON.stringify(byHost));
  }
});
