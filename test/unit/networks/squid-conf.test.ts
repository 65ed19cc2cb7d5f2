import test from 'ava';
import { squidConf } from '../../../src/networks/squid-conf.ts';
import { parseHost } from '../../../src/spec/hosts.ts';

const conf = (...hosts: string[]) => squidConf(hosts.map(host => parseHost(host)!)).split('\n');
const rules = (lines: readonly string[]) => lines.filter(line => line.startsWith('http_access'));
const patterns = (lines: readonly string[]) =>
  lines.flatMap(line => /^acl names\d dstdom_regex -n (.*)$/.exec(line)?.[1] ?? []);

test('a name that is not listed is refused before anything is looked up, and what is listed must lead outside', t => {
  t.deepEqual(rules(conf('api.example.com')), [
    'http_access deny manager named',
    'http_access deny manager',
    'http_access deny otherProtocols named',
    'http_access deny otherProtocols',
    'http_access deny !listed named',
    'http_access deny !listed',
    'http_access deny inner named',
    'http_access deny inner',
    'http_access allow listed',
    'http_access deny all',
  ]);
});

test('a name is itself and nothing that only looks like it', t => {
  const [pattern = ''] = patterns(conf('api.example.com'));
  t.regex('api.example.com', new RegExp(pattern));
  for (const other of [
    'x.api.example.com',
    'apixexample.com',
    'api.example.com.evil.org',
    'xapi.example.com',
  ])
    t.notRegex(other, new RegExp(pattern), other);
});

test('a wildcard is every name under one, however deep, and not that one itself', t => {
  const [pattern = ''] = patterns(conf('*.example.org'));
  for (const name of ['a.example.org', 'a.b.example.org']) t.regex(name, new RegExp(pattern), name);
  for (const other of ['example.org', 'aexample.org', '.example.org', 'a.example.org.evil.com'])
    t.notRegex(other, new RegExp(pattern), other);
});

test('a host is let through at its own ports, not at those of another', t => {
  const lines = conf('a.example.com', 'b.example.com:8443', 'c.example.com');
  const [usual, other] = [0, 1].map(group => lines.filter(line => line.includes(`names${group} `)));
  t.deepEqual(usual?.length, 3);
  t.deepEqual(other?.slice(0, 1), ['acl names1 dstdom_regex -n ^b\\.example\\.com$']);
  t.true(lines.includes('acl ports0 port 80 443'));
  t.true(lines.includes('acl ports1 port 8443'));
  t.true(lines.includes('acl listed1 all-of names1 ports1'));
  t.true(lines.includes('acl listed any-of listed0 listed1'));
});

test('private, link-local and multicast ranges of both families are inner ones', t => {
  const inner = conf('a.example.com').flatMap(line => /^acl inner dst (.*)$/.exec(line)?.[1] ?? []);
  for (const range of [
    ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
    ...['192.168.0.0/16', '224.0.0.0/4', '240.0.0.0/4', '::/128', '::1/128', 'fc00::/7', 'fe80::/10'],
  ])
    t.true(inner.includes(range), range);
  // Squid would take this one for all of IPv4.
  t.false(inner.some(range => range.startsWith('::ffff')));
});

test('nothing is cached, told to servers, or run beside squid', t => {
  const lines = conf('a.example.com');
  for (const line of [
    'cache deny all',
    'via off',
    'forwarded_for delete',
    'pinger_enable off',
    'htcp_port 0',
  ])
    t.true(lines.includes(line), line);
});
