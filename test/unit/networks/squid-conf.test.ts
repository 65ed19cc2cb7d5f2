import test from 'ava';
import { squidConf } from '../../../src/networks/squid-conf.ts';

const conf = (...hosts: string[]) => squidConf({ hosts, secretHosts: [] }).split('\n');
const rules = (lines: readonly string[]) => lines.filter(line => line.startsWith('http_access'));
const patterns = (lines: readonly string[]) =>
  lines.flatMap(line => /^acl listedNames\d dstdom_regex -n (.*)$/.exec(line)?.[1] ?? []);

test('an unlisted name is refused before its lookup, and a listed one if its address is internal', t => {
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

test('the pattern of a name matches only that name', t => {
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

test('the pattern of a wildcard matches subdomains of any depth, but not the domain itself', t => {
  const [pattern = ''] = patterns(conf('*.example.org'));
  for (const name of ['a.example.org', 'a.b.example.org']) t.regex(name, new RegExp(pattern), name);
  for (const other of ['example.org', 'aexample.org', '.example.org', 'a.example.org.evil.com'])
    t.notRegex(other, new RegExp(pattern), other);
});

test('a host is allowed at its own ports, not at those of another host', t => {
  const lines = conf('a.example.com', 'b.example.com:8443', 'c.example.com');
  const [defaultGroup, otherGroup] = [0, 1].map(group =>
    lines.filter(line => line.includes(`listedNames${group} `)),
  );
  t.deepEqual(defaultGroup?.length, 3);
  t.deepEqual(otherGroup?.slice(0, 1), ['acl listedNames1 dstdom_regex -n ^b\\.example\\.com$']);
  t.true(lines.includes('acl listedPorts0 port 80 443'));
  t.true(lines.includes('acl listedPorts1 port 8443'));
  t.true(lines.includes('acl listed1 all-of listedNames1 listedPorts1'));
  t.true(lines.includes('acl listed any-of listed0 listed1'));
});

test('private, link-local and multicast ranges of both families count as internal', t => {
  const inner = conf('a.example.com').flatMap(line => /^acl inner dst (.*)$/.exec(line)?.[1] ?? []);
  for (const range of [
    ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
    ...['192.168.0.0/16', '224.0.0.0/4', '240.0.0.0/4', '::/128', '::1/128', 'fc00::/7', 'fe80::/10'],
  ])
    t.true(inner.includes(range), range);
  // Squid would read such a range as all of IPv4.
  t.false(inner.some(range => range.startsWith('::ffff')));
});

test('caching, headers about clients and helper programs are disabled', t => {
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

test('connections to the hosts of secrets go to the program that has them, with the name of the client', t => {
  const lines = squidConf({ hosts: ['*.example.com'], secretHosts: ['api.example.com:443'] }).split('\n');
  for (const line of [
    'acl secretNames0 dstdom_regex -n ^api\\.example\\.com$',
    'acl secretPorts0 port 443',
    'acl intercepted all-of connects secret !back',
    'cache_peer_access secrets allow intercepted',
    'cache_peer_access secrets deny all',
    'never_direct allow intercepted',
    'request_header_access X-Agent-Flow-Client deny all',
    'request_header_add X-Agent-Flow-Client "KEY_OF_PROXY %et" intercepted',
    'http_port 127.0.0.1:3130 name=back',
  ])
    t.true(lines.includes(line), line);
  // Only after all that denies.
  t.deepEqual(rules(lines).slice(-5), [
    'http_access deny inner named',
    'http_access deny inner',
    'http_access allow intercepted named',
    'http_access allow listed',
    'http_access deny all',
  ]);
  t.false(conf('api.example.com').some(line => /secret|back/i.test(line)));
});

test('without a list of hosts all are allowed but the container of the proxy itself', t => {
  const lines = squidConf({ hosts: null, secretHosts: ['api.example.com:443'] }).split('\n');
  t.deepEqual(rules(lines), [
    'http_access deny manager named',
    'http_access deny manager',
    'http_access deny otherProtocols named',
    'http_access deny otherProtocols',
    'http_access deny own named',
    'http_access deny own',
    'http_access allow intercepted named',
    'http_access allow all',
    'http_access deny all',
  ]);
  t.true(lines.includes('acl own dst 127.0.0.0/8'));
});
