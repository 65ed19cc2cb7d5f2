import test from 'ava';
import { blockedHosts } from '../../../src/networks/proxy-log.ts';

const client = 'tmux-agent-r1234567-worker-2.tmux-agents-r1234567-0123abcd';
const line = (host: string, { from = client, result = 'TCP_DENIED/403', method = 'CONNECT' } = {}) =>
  `1767355200 ${from} ${result} ${method} ${host}`;

function hostsIn(...lines: readonly string[]): string[] {
  const log = blockedHosts('r1234567', 'worker', 2);
  for (const text of lines) log.read(text);
  return log.hosts();
}

test('the blocked hosts are returned sorted and without duplicates', t => {
  const lines = [
    'evil.example:443',
    'a.example:80',
    'evil.example:443',
    '169.254.169.254:80',
    '[fe80::1]:80',
  ];
  t.deepEqual(hostsIn(...lines.map(host => line(host))), [
    '169.254.169.254:80',
    '[fe80::1]:80',
    'a.example:80',
    'evil.example:443',
  ]);
});

test('a host that was allowed, or refused by its server, does not count as blocked', t => {
  t.deepEqual(
    hostsIn(
      line('a.example:443', { result: 'TCP_TUNNEL/200' }),
      line('b.example:80', { result: 'TCP_MISS/403', method: 'GET' }),
      line('-:-', { result: 'NONE_NONE/400', method: 'garbage' }),
    ),
    [],
  );
});

test('lines of other agents, attempts and runs are skipped', t => {
  for (const from of [
    'tmux-agent-r1234567-worker-1.tmux-agents-r1234567-0123abcd',
    'tmux-agent-r1234567-worker-22.tmux-agents-r1234567-0123abcd',
    'tmux-agent-r1234567-worker-2',
    'tmux-agent-r1234567-co-worker-2.tmux-agents-r1234567-0123abcd',
    'tmux-agent-r7654321-worker-2.tmux-agents-r1234567-0123abcd',
    '172.18.0.2',
  ])
    t.deepEqual(hostsIn(line('evil.example:443', { from })), [], from);
});

test('a malformed line or host is skipped', t => {
  for (const text of [
    '',
    'x',
    line('ev%20il.example:443'),
    line('evil.example:443 more'),
    line('evil.example'),
    line('evil.example:0'),
    line('evil.example:65536'),
    line('evil.example:443x'),
    line('EVIL.example:443'),
    line('-evil.example:443'),
    line('évil.example:443'),
    line('\u001b[31mevil.example:443'),
    line(`${'a'.repeat(64)}.example:443`),
    line(`${'a.'.repeat(200)}example:443`),
    line('[::1:443'),
    line('<script>:443'),
  ])
    t.deepEqual(hostsIn(text), [], text);
});

test('only the first hundred hosts of a flood are returned', t => {
  const lines = Array.from({ length: 500 }, (_, index) => line(`h${index}.example:443`));
  t.is(hostsIn(...lines).length, 100);
});
