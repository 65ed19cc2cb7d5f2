import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { providers } from '../../../src/providers/catalogue.ts';
import { hostPresets, presetNames } from '../../../src/spec/host-presets.ts';
import { parseHost } from '../../../src/spec/hosts.ts';
import { ai } from '../_helpers/provider.ts';
import { faults, parse, plan, problems } from '../_helpers/spec.ts';

const claudeHosts = providers[0]!.hosts;
const allow = (hosts: readonly string[], more: object = {}) => ({ network: { allow: hosts, ...more } });
const hostsOf = ({ network }: Awaited<ReturnType<typeof plan>>) =>
  network.mode === 'allow' ? network.hosts : null;
const sorted = (...hosts: readonly string[]) => [...new Set(hosts)].sort();

test('every host of a preset and of a provider is valid', t => {
  const lists = [...Object.values(hostPresets), ...providers.map(({ hosts }) => hosts)];
  for (const hosts of lists) {
    t.true(hosts.length > 0);
    for (const host of hosts) t.not(parseHost(host), null, host);
  }
});

test('docs/networks.md lists the hosts of each preset and provider', t => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'networks.md'), 'utf8');
  const rows = new Map(
    [...page.matchAll(/^\| `(@?[\w-]+)` \| (`.*`) \|$/gm)].map(([, name, hosts]) => [
      name!,
      [...hosts!.matchAll(/`([^`]+)`/g)].map(([, host]) => host!),
    ]),
  );
  for (const [name, hosts] of Object.entries(hostPresets))
    t.deepEqual(rows.get(`@${name}`), [...hosts], name);
  for (const { name, hosts } of providers) t.deepEqual(rows.get(name), [...hosts], name);
});

test('a preset is replaced by its hosts', async t => {
  const agent = await plan(allow(['@npm', 'a.example.com', '@pypi']));
  t.deepEqual(hostsOf(agent), sorted('a.example.com', ...hostPresets.npm!, ...hostPresets.pypi!));
});

test('the hosts of the provider are allowed, unless the spec excludes them', async t => {
  t.deepEqual(hostsOf(await ai('claude', allow([]))), sorted(...claudeHosts));
  t.deepEqual(hostsOf(await ai('claude', allow(['@provider']))), sorted(...claudeHosts));
  t.deepEqual(hostsOf(await ai('claude', allow(['a.example.com'], { provider: false }))), ['a.example.com']);
  t.deepEqual(hostsOf(await ai('claude', allow(['@provider'], { provider: false }))), sorted(...claudeHosts));
  t.deepEqual(hostsOf(await plan(allow(['a.example.com']))), ['a.example.com']);
});

test('the host of an address that is set for the provider is allowed', async t => {
  for (const [url, host] of [
    ['https://models.example.com/v1', 'models.example.com:443'],
    ['http://models.example.com:8080', 'models.example.com:8080'],
    ['http://Models.example.com', 'models.example.com:80'],
  ] as const) {
    const agent = await ai('claude', allow([]), { ANTHROPIC_BASE_URL: url });
    t.deepEqual(hostsOf(agent), sorted(...claudeHosts, host), url);
    const own = await ai('claude', { ...allow([]), env: { ANTHROPIC_BASE_URL: url } });
    t.deepEqual(hostsOf(own), sorted(...claudeHosts, host), url);
  }
  const local = await ai('claude', allow([]), { ANTHROPIC_BASE_URL: 'http://127.0.0.1:4000' });
  t.deepEqual(hostsOf(local), sorted(...claudeHosts));
});

test('an address that a list of hosts cannot contain is refused', async t => {
  for (const url of ['http://10.0.0.1:8080', 'https://models/v1', 'http://[fd00::1]/']) {
    const spec = (network: object) => ({ agents: { a: { provider: 'claude', prompt: 'Go', network } } });
    const env = { ANTHROPIC_BASE_URL: url, HOME: '/nonexistent' };
    t.regex(
      (await problems(spec({ allow: [] }), env)).join('\n'),
      /^agents\.a\.network: ANTHROPIC_BASE_URL has the host \S+, which "allow" cannot contain .*"provider": false$/,
    );
    await t.notThrowsAsync(parse(spec({ allow: ['a.example.com'], provider: false }), env));
    await t.notThrowsAsync(parse(spec({ name: 'x' }), env));
  }
});

test('an unknown preset is refused with the known ones', async t => {
  const [message = ''] = await faults(allow(['@nmp']));
  t.regex(message, /^network\.allow\[0\]: .*no such preset; did you mean "@npm"\?; known are /);
  t.true(message.endsWith(presetNames.join(', ')));
});

test('@provider and an empty list need a provider', async t => {
  t.regex(
    (await faults(allow(['@npm', '@provider']))).join('\n'),
    /^network\.allow\[1\]: a has no "provider"/,
  );
  t.regex((await faults(allow([]))).join('\n'), /^network\.allow: .*expected at least one host/);
  const excluded = { agents: { a: { provider: 'claude', prompt: 'Go', ...allow([], { provider: false }) } } };
  t.regex((await problems(excluded)).join('\n'), /^agents\.a\.network\.allow: .*expected at least one host/);
  const shared = { defaults: allow([]), agents: { a: { command: ['x'] } } };
  t.regex((await problems(shared)).join('\n'), /^agents\.a\.network: .*expected at least one host/);
  t.regex((await faults({ network: { name: 'x', provider: true } })).join('\n'), /^network\.provider: /);
});
