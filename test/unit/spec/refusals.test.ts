import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { directory, faults, parse, problems } from '../_helpers/spec.ts';

writeFileSync(join(directory, 'file.txt'), 'x');
writeFileSync(join(directory, 'binary'), Buffer.from([0xff, 0xfe]));
writeFileSync(join(directory, 'nul.md'), 'a\0b');
writeFileSync(join(directory, 'big.md'), Buffer.alloc(10 * 2 ** 20 + 1, 0x61));
mkdirSync(join(directory, 'line\nbreak'));
symlinkSync('line\nbreak', join(directory, 'innocent'));
mkdirSync(join(directory, 'empty'));
writeFileSync(join(directory, 'Dockerfile'), 'FROM scratch\n');
execFileSync('mkfifo', [join(directory, 'pipe')]);
symlinkSync('/etc', join(directory, 'etc-by-a-link'));
mkdirSync(join(directory, 'sockets'));
const servers = ['docker.sock', 'any'].map(name => createServer().listen(join(directory, 'sockets', name)));
test.after.always(() => {
  for (const server of servers) server.close();
});

const size = /expected a size such as "512m" or "4g"/;
const cpus = /expected a number of CPUs/;
const whole = /expected a whole number from 0 to 10$/;
const duration = /expected a duration such as "90s"/;
const network = /expected a network name/;

const check = (fields: object) => ({ check: { command: ['npm', 'test'], ...fields } });

/** Fields of an agent, and the problem for which they are refused. */
const refusals: readonly (readonly [object, RegExp])[] = [
  [{ check: 'npm test' }, /^check: "npm test": expected an object such as/],
  [{ check: {} }, /^check.command: missing; expected an array of strings/],
  [check({ command: 'npm test' }), /^check.command: .*write it as an array/],
  ...[0, 21, 1.5, '3', null].map(rounds => [check({ rounds }), /whole number from 1 to 20$/] as const),
  ...['', '/etc', '../x', 'a/../b', '.'].map(
    glob => [check({ protect: [glob] }), /^check.protect\[0\]: .*globs inside the workspace/] as const,
  ),
  ...['a?', '[ab]', '{a,b}', '!a', 'a\\b'].map(
    glob => [check({ protect: [glob] }), /only "\*" and "\*\*" are wildcards/] as const,
  ),
  [check({ timeout: 'none' }), /^check.timeout: /],
  [check({ network: 'isolated' }), /^check.network: .*expected "none", "shared"/],
  [check({ network: { name: 'host' } }), /^check.network.name: .*one of Docker's own/],
  [
    check({ continue: 'conversation' }),
    /^check.continue: .*a command has no conversation; drop this, or write "fresh"/,
  ],
  [
    { ...check({}), workspace: { mode: 'none' } },
    /^check: there is no work to check in a workspace with "mode": "none"/,
  ],
  [
    { ...check({}), workspace: { path: '/srv/x', onHost: true } },
    /^check: there is no work to check in a workspace with "onHost": true/,
  ],
  ...['4 GB', '0', '-1', '4', '', 0, -1, 4, null, '4x', 'none'].map(memory => [{ memory }, size] as const),
  [{ memory: '0g' }, /^memory: "0g": expected at least "6m"/],
  [{ memory: '6143k' }, /expected at least "6m", the least that Docker gives/],
  [{ memory: '999999999g' }, /expected at most/],
  ...[0, -1, 0.005, '2', null].map(value => [{ cpus: value }, cpus] as const),
  ...[-1, 11, 1.5, '1', null].map(retries => [{ retries }, whole] as const),
  ...['5', '5 min', '', '-1s', 'soon', 90, null].map(run => [{ timeouts: { run } }, duration] as const),
  ...['build', 'ready', 'stop'].map(key => [{ timeouts: { [key]: 'none' } }, duration] as const),
  [{ timeouts: { run: '5 min' } }, /^timeouts\.run: "5 min": .*, or "none"$/],
  ...['build', 'ready', 'run', 'idle', 'stop'].map(
    key => [{ timeouts: { [key]: '0s' } }, /above zero$/] as const,
  ),
  ...['build', 'ready', 'run', 'idle', 'stop'].map(
    key => [{ timeouts: { [key]: '577h' } }, /at most 576h/] as const,
  ),
  [{ timeouts: '5m' }, /expected an object of time limits/],
  [{ command: 'npm test' }, /^command: "npm test": .*write it as an array/],
  [{ command: [] }, /it is empty$/],
  [{ command: [''] }, /^command\[0\]: "": expected the name of a program/],
  [{ command: ['FOO=1', 'npm'] }, /^command\[0\]: "FOO=1": .*put it under "env"$/],
  [{ command: ['x', 3] }, /^command\[1\]: 3: expected a string; put it in quotes: "3"$/],
  [{ command: ['x', null] }, /^command\[1\]: null: expected a string$/],
  [{ command: ['x', 'a\0b'] }, /^command\[1\]: "a\\u0000b": NUL cannot be passed/],
  [{ command: ['x', '\ud83d'] }, /half of a surrogate pair/],
  [{ command: ['x', 'é'.repeat(65_536)] }, /too long for an argument/],
  [{ env: { 'A-B': 'x' } }, /^env\.A-B: expected a name of letters/],
  [{ env: { '1A': 'x' } }, /expected a name of letters/],
  [{ env: { A: 3 } }, /^env\.A: 3: expected a string; put it in quotes: "3"$/],
  [{ env: { A: true } }, /put it in quotes: "true"$/],
  [{ env: { A: 'x'.repeat(131_070) } }, /^env\.A: .*too long for an environment variable/],
  [{ env: ['A=1'] }, /expected an object of names and values/],
  [{ labels: { 'tmux-agents': 'x' } }, /not under "tmux-agents", which is ours/],
  [{ labels: { 'tmux-agents.run-id': 'x' } }, /which is ours/],
  [{ labels: { 'a=b': 'x' } }, /expected a label name/],
  ...['-x', 'Foo', 'a b', '', ':x', 'a//b', 'x@sha256:1', 'a:b:c', 3].map(
    image => [{ image }, /expected an image such as/] as const,
  ),
  [{ image: 'a'.repeat(256) }, /at most 255/],
  ...['-x', 'a b', '', '.x', 'container:x'].map(name => [{ network: { name } }, network] as const),
  ...['host', 'none', 'bridge', 'default'].map(
    name => [{ network: { name } }, /^network\.name: .*never a network of agents/] as const,
  ),
  [{ network: 'host' }, /^network: "host": expected "shared", "isolated", "none", \{"name"/],
  [
    { network: { allow: ['x.org'], name: 'x' } },
    /^network\.allow: .*there is a "name" too; give one of the two$/,
  ],
  [{ network: { allow: [] } }, /^network\.allow: .*expected at least one host; "network": "none" is/],
  [{ network: { allow: 'x.org' } }, /^network\.allow: .*expected an array of hosts, each a host such as/],
  [{ network: { allow: Array(201).fill('x.org') } }, /^network\.allow: .*expected at most 200 hosts/],
  ...(
    [
      ['https://x.org', 'only the host, without a scheme or path'],
      ['x.org/path', 'only the host, without a scheme or path'],
      ['me@x.org', 'only the host, without a scheme or path'],
      ['10.0.0.1', 'IP addresses are not allowed'],
      ['203.0.113.7:443', 'IP addresses are not allowed'],
      ['[::1]:443', 'IP addresses are not allowed'],
      ['fd00::1', 'IP addresses are not allowed'],
      ['::ffff:10.0.0.1', 'IP addresses are not allowed'],
      ['API.x.org', 'in lower case'],
      ['bücher.example', 'other letters in punycode, "xn--…"'],
      ['localhost', 'a full name, with a dot in it'],
      ['*', 'a full name, with a dot in it'],
      ['*.org', 'a full name, with a dot in it'],
    ] as const
  ).map(
    ([host, why]) =>
      [
        { network: { allow: [host] } },
        new RegExp(`^network\\.allow\\[0\\]: .*expected a host such as .*: ${why}$`),
      ] as const,
  ),
  ...[
    ...[
      '',
      ' x.org',
      'x.org ',
      'a b.org',
      'x.org\nevil.org',
      'x..org',
      '.x.org',
      'x.org.',
      '-x.org',
      'x-.org',
    ],
    ...[
      '*x.org',
      'x.*.org',
      '*.*.org',
      '**.x.org',
      'x_y.org',
      'x.org:0',
      'x.org:65536',
      'x.org:http',
      'x.org:',
    ],
    ...[
      '0x7f.0x1',
      '1.2',
      `${'a'.repeat(64)}.org`,
      `${'a.'.repeat(130)}org`,
      "x.org'$(id)",
      'x.org#y',
      'x.org%20',
    ],
  ].map(host => [{ network: { allow: [host] } }, /^network\.allow\[0\]: .*expected a host such as/] as const),
  [{ network: {} }, /^network\.name: missing; expected the name of a bridge/],
  [{ network: { nmae: 'x', name: 'x' } }, /^network\.nmae: unknown key; did you mean "name"\?$/],
  [{ keep: 'yes' }, /"never", "on-failure" or "always"$/],
  [{ done: 'quit' }, /"exit", "signal", {"idle": "5m"} or {"file": "done.json"}$/],
  [{ prompt: 3 }, /put it in quotes/],
  [{ prompt: 'a', promptFile: 'file.txt' }, /^promptFile: there is a "prompt" too/],
  [{ promptFile: 'nope.md' }, /^promptFile: "nope.md": file .*nope\.md does not exist/],
  [{ promptFile: 'line\nbreak' }, /is a directory; expected a file/],
  [{ promptFile: 'pipe' }, /is not a regular file/],
  [{ promptFile: 'binary' }, /is not UTF-8 text/],
  [{ promptFile: 'nul.md' }, /holds a NUL byte/],
  [{ promptFile: 'big.md' }, /is larger than 10 MB/],
  [{ promptFile: '' }, /expected the path of a text file/],
  [{ workspace: 'nope' }, /^workspace: "nope": directory .*\/nope does not exist/],
  [{ workspace: 'file.txt' }, /file\.txt is not a directory; expected one/],
  [{ workspace: 'file.txt/x' }, /a part of the path is not a directory/],
  [{ workspace: '~/x' }, /"~" is not expanded, write \$\{HOME\}/],
  [{ workspace: '' }, /expected the path of a directory/],
  [{ workspace: 'line\nbreak' }, /^workspace: "line\\nbreak": .*line\\nbreak holds control characters/],
  [{ workspace: 'innocent' }, /holds control characters; rename/],
  [{ workspace: { mode: 'bind', path: 'nope' } }, /^workspace\.path: "nope": directory/],
  [{ workspace: { mode: 'bind' } }, /^workspace\.path: missing/],
  [
    { workspace: { mode: 'mount', path: '.' } },
    /^workspace\.mode: "mount": expected "bind", "clone", "copy" or "none"$/,
  ],
  [{ workspace: { mode: 'copy' } }, /^workspace\.path: missing; expected the path of a directory/],
  [
    { workspace: { mode: 'none', path: '.' } },
    /^workspace\.path: "\.": .*"none" gets no directory; take it out$/,
  ],
  [
    { workspace: { mode: 'copy', path: '.', from: 'x' } },
    /^workspace\.from: "x": only a clone can start from/,
  ],
  [
    { workspace: { mode: 'clone', path: '.' } },
    /^workspace\.path: "\.": .* is not in a git repository; create one .*"copy"$/,
  ],
  [{ workspace: { mode: 'clone', path: 'nope' } }, /^workspace\.path: "nope": directory .* does not exist/],
  ...['/etc/passwd', '../x', 'a/../../x', '', '.', 'a\nb'].map(
    path => [{ artifacts: [path] }, /^artifacts\[0\]: .*expected a path inside the workspace/] as const,
  ),
  [{ artifacts: 'dist' }, /^artifacts: "dist": expected an array of paths inside the workspace$/],
  [{ artifacts: [{ path: 'x', maxSize: 3 }] }, /^artifacts\[0\]\.maxSize: 3: expected a size/],
  [{ artifacts: [{ path: '/x' }] }, /^artifacts\[0\]\.path: "\/x": expected a path inside/],
  [{ workspace: 3 }, /^workspace: 3: expected the path of a directory, or/],
  [{ timeuots: {} }, /^timeuots: unknown key; did you mean "timeouts"\?$/],
  [{ timeouts: { rnu: '5s' } }, /^timeouts\.rnu: unknown key; did you mean "run"\?$/],
  [{ depends_on: [] }, /did you mean "dependsOn"\?$/],
  [{ xyzzyxyzzy: 1 }, /^xyzzyxyzzy: unknown key; expected one of provider, command/],
  [{ dependsOn: 'a' }, /expected an array of agent names/],
  [{ dependsOn: ['a'] }, /^dependsOn\[0\]: "a": an agent cannot wait for itself/],
  [{ dependsOn: ['other'] }, /^dependsOn\[0\]: "other": no agent has this name; add the agent/],
  [{ dependsOn: [3] }, /^dependsOn\[0\]: 3: expected the name of an agent, or an object/],
  [{ provider: 3 }, /^provider: 3: expected the name of a provider, such as "claude"$/],
  [
    { provider: 'claud', command: undefined },
    /^provider: "claud": no such provider; did you mean "claude"\?$/,
  ],
  [{ provider: 'claude' }, /^command: .*claude is started by itself; drop "command", or "provider"$/],
  [{ model: 'x' }, /^model: .*this is for an AI CLI; name its "provider"$/],
  [{ model: '--help' }, /^model: "--help": expected the name of a model/],
  [{ args: ['x'] }, /^args: .*this is for an AI CLI/],
  [{ auth: 'on' }, /^auth: "on": expected "off", or an object such as/],
  [{ auth: { ssh: true } }, /^auth\.ssh: true: expected "keys", "agent" or "off"$/],
  [{ auth: { shs: 'off' } }, /^auth\.shs: unknown key; did you mean "ssh"\?$/],
  [{ auth: { ssh: 'agent' } }, /^auth\.ssh: \$SSH_AUTH_SOCK does not name an ssh-agent; start one/],
  [{ build: 'x' }, /^build: "x": expected an object such as/],
  [{ build: { context: 'nope' } }, /^build\.context: "nope": directory .*\/nope does not exist/],
  [{ build: { context: 'file.txt' } }, /^build\.context: "file\.txt": .* is not a directory/],
  [{ build: { context: 'empty' } }, /^build: file .*\/empty\/Dockerfile does not exist; create it/],
  [{ build: { dockerfile: 'nope' } }, /^build\.dockerfile: "nope": file .*\/nope does not exist/],
  [
    { build: { dockerfile: 'empty' } },
    /^build\.dockerfile: "empty": .* is not a file; expected a Dockerfile$/,
  ],
  [{ build: { dockerfile: '' } }, /^build\.dockerfile: "": expected the path of a Dockerfile/],
  [{ build: { dokerfile: 'x' } }, /^build\.dokerfile: unknown key; did you mean "dockerfile"\?$/],
  [{ build: { args: { VERSION: 3 } } }, /^build\.args\.VERSION: 3: .*put it in quotes: "3"$/],
  [{ build: { args: { 'A-B': 'x' } } }, /^build\.args\.A-B: expected a name of letters/],
  [{ build: { args: { NPM_TOKEN: 'x' } } }, /^build\.args\.NPM_TOKEN: .*looks like a secret/],
  [{ build: { target: '-x' } }, /^build\.target: "-x": expected the name of a build stage$/],
  [
    { image: 'alpine', build: {} },
    /^build: there is an "image" too; drop that to have it built, or drop "build"/,
  ],
  ...['none', 0, -1, 1.5, true, null].map(
    gpus => [{ gpus }, /^gpus: .*expected "all", a whole number/] as const,
  ),
  [{ gpus: { device: [] } }, /^gpus\.device: \[\]: expected an array of GPU indices/],
  [{ gpus: { device: '0' } }, /^gpus\.device: "0": expected an array of GPU indices/],
  [{ gpus: { device: [0] } }, /^gpus\.device\[0\]: 0: expected a string; put it in quotes: "0"$/],
  [{ gpus: { device: ['0,all'] } }, /^gpus\.device\[0\]: "0,all": expected the index or id/],
  [{ gpus: { device: ['0'], devices: ['0'] } }, /did you mean "device"\?/],
  ...['node', '1000', 'host:host', '-1:0', '', ' root', 1000, null].map(
    user => [{ user }, /^user: .*expected "root", "host", or ids such as "1000:1000"/] as const,
  ),
  [{ user: '4294967295:0' }, /^user: "4294967295:0": expected ids of at most 4294967294$/],
  [{ secrets: 'KEY' }, /^secrets: "KEY": expected an array of names, such as \["OPENAI_API_KEY"\]$/],
  [{ secrets: ['A=b'] }, /^secrets\[0\]: "A=b": expected the name of an environment variable/],
  [{ secrets: [1] }, /^secrets\[0\]: 1: expected the name of an environment variable, .*, or \{"name"/],
  [{ secrets: ['PPID'] }, /^secrets\[0\]: "PPID": this name belongs to the shell/],
  [{ secrets: ['KEY', { name: 'KEY', file: 'file.txt' }] }, /^secrets\[1\]: .*KEY is a duplicate$/],
  [{ secrets: [{ name: 'KEY', value: 'x' }] }, /^secrets\[0\]\.value: unknown key/],
  [{ secrets: [{ name: 'KEY', file: 'nope' }] }, /^secrets\[0\]\.file: "nope": file .* does not exist/],
  [{ secrets: [{ name: 'KEY', file: 'pipe' }] }, /^secrets\[0\]\.file: "pipe": .* is not a regular file$/],
  [{ mounts: {} }, /^mounts: \{\}: expected an array of mounts/],
  [{ mounts: ['a:b'] }, /^mounts\[0\]: "a:b": expected an object such as/],
  [{ mounts: [{ source: 'empty' }] }, /^mounts\[0\]\.target: missing; expected an absolute path/],
  ...['data', '/data/', '/a/../b', '//a', '/./a'].map(
    target => [{ mounts: [{ source: 'empty', target }] }, /^mounts\[0\]\.target: /] as const,
  ),
  ...['/', '/workspace', '/proc', '/proc/1', '/sys/fs', '/dev/shm', '/run/agent', '/run/agent/exit'].map(
    target => [{ mounts: [{ source: 'empty', target }] }, /this place in the container is taken/] as const,
  ),
  [
    { mounts: ['a', 'b'].map(() => ({ source: 'empty', target: '/a' })) },
    /^mounts\[1\]\.target: "\/a": another mount has this target$/,
  ],
  [{ mounts: [{ source: 'nope', target: '/a' }] }, /^mounts\[0\]\.source: "nope": .* does not exist/],
  [{ mounts: [{ source: 'empty', target: '/a', readonly: false }] }, /did you mean "readOnly"\?$/],
  ...[
    ['/', 'it is the whole host'],
    ['/etc', 'it holds /etc'],
    ['/proc/self', 'it is in /proc'],
    ['/sys/kernel', 'it is in /sys'],
    ['/dev/null', 'it is in /dev'],
    ['/var', 'it holds|the socket|Docker keeps'],
    ['/run', 'it holds'],
    ['/var/run/../run', 'it holds'],
    ['~root', 'it holds your home directory'],
    ['etc-by-a-link', 'it holds /etc'],
    ['sockets', 'it holds the socket .*docker.sock'],
    ['sockets/docker.sock', 'it is the socket'],
    ['sockets/any', 'it is the socket'],
  ].flatMap(([source, why]) => {
    const path = source === '~root' ? homedir() : source!;
    const problem = (field: string) =>
      new RegExp(`^${field}: .* (is never given to an agent: .*(${why})|is not a directory; expected one$)`);
    return [
      [{ mounts: [{ source: path, target: '/a' }] }, problem('mounts\\[0\\].source')],
      [{ workspace: path }, problem('workspace')],
    ] as const;
  }),
  ...[
    ['data', 'expected an absolute path'],
    ['/srv/', 'expected an absolute path'],
    ['/srv/../etc', 'expected an absolute path'],
    ['/', 'it is the whole host'],
    ['/home', 'it holds your home directory'],
    ['/root', 'it holds your home directory'],
    ['/run/user/1000', 'it is in /run'],
    ['/srv/docker.sock', 'it is the socket'],
    ['/home/ubuntu', 'it holds your home directory'],
    ['/var/run', 'it is in /var/run'],
    ['/dev/null', 'it is in /dev'],
    ['/var/lib/docker/volumes', 'Docker keeps'],
  ].flatMap(([path, why]) => [
    [
      { mounts: [{ source: path, target: '/a', onHost: true }] },
      new RegExp(`^mounts\\[0\\]\\.source: .*${why}`),
    ] as const,
    [{ workspace: { path, onHost: true } }, new RegExp(`^workspace\\.path: .*${why}`)] as const,
  ]),
  ...['clone', 'copy'].map(
    mode =>
      [
        { workspace: { mode, path: '/srv/data', onHost: true } },
        /^workspace\.onHost: true: a directory of the engine's machine can only be bound; remove "mode": "/,
      ] as const,
  ),
  [
    {
      mounts: [
        { source: '/srv', target: '/a', onHost: true },
        { source: 'empty', target: '/a/b' },
      ],
    },
    /^mounts\[1\]\.target: "\/a\/b": nothing can be mounted below \/a, which has "onHost": true/,
  ],
  [
    { workspace: { path: '/srv', onHost: true }, mounts: [{ source: 'empty', target: '/workspace/b' }] },
    /^mounts\[0\]\.target: .*nothing can be mounted below \/workspace/,
  ],
  [{ security: 'none' }, /^security: "none": expected an object such as \{"pids": 8192\}$/],
  [{ security: { privileged: true } }, /^security\.privileged: unknown key; not allowed/],
  [{ security: { seccomp: 'unconfined' } }, /^security\.seccomp: unknown key; not allowed/],
  ...['SYS_ADMIN', 'ALL', 'NET_ADMIN', 'net_raw', 'CAP_NET_RAW'].map(
    name =>
      [{ security: { capabilities: [name] } }, /^security\.capabilities\[0\]: .*expected one of/] as const,
  ),
  ...[0, 63, 1.5, '4096', -1].map(
    pids => [{ security: { pids } }, /^security\.pids: .*expected a whole number from 64/] as const,
  ),
  [
    { security: { capabilities: ['NET_RAW'] }, network: { allow: ['a.example.com'] } },
    /^security\.capabilities: with NET_RAW an agent gets past the proxy of "allow"/,
  ],
  [{ security: { log: '1m' } }, /^security\.log: "1m": expected at least "3m"$/],
  [{ security: { noNewPrivileges: 'no' } }, /^security\.noNewPrivileges: "no": expected true or false$/],
  [{ auth: ['x'] }, /^auth: .*expected "off", or an object such as/],
  [{ done: {} }, /^done\.idle: missing; expected a duration, or "file" in its place$/],
  [{ done: { idle: '5s', file: 'x' } }, /^done\.file: "x": there is "idle" too; give one of the two$/],
  [{ done: { idle: 5 } }, /^done\.idle: 5: expected a duration/],
  [{ done: { file: '../x' } }, /^done\.file: .*expected a path inside the workspace/],
  [{ onHostLost: 'restart' }, /^onHostLost: "restart": expected "wait", "retry" or "fail"$/],
  [{ onHostLost: 'retry', hostGrace: '59s' }, /^hostGrace: "59s": expected at least "1m"$/],
  [{ onHostLost: 'fail', hostGrace: 'none' }, /^hostGrace: "none": expected a duration/],
  ...[{}, { onHostLost: 'wait' }].map(
    fields =>
      [
        { ...fields, hostGrace: '5m' },
        /^hostGrace: an agent waits for a lost host; set "onHostLost" to "retry" or "fail", or drop this$/,
      ] as const,
  ),
  [{ needsInput: 'fail' }, /^needsInput: .*this is for an AI CLI; name its "provider"$/],
];

for (const [fields, problem] of refusals) {
  test(`${JSON.stringify(fields).slice(0, 80)} is refused: ${problem.source}`, async t => {
    const lines = await faults(fields);
    t.is(lines.length, 1, lines.join('\n'));
    t.regex(lines[0]!, problem);
  });
}

for (const name of ['a/b', 'a b', 'a'.repeat(300), 'a'.repeat(37), '-a', 'a-', 'A', 'a_b', '', 'é', 'a\nb']) {
  test(`an agent cannot be called ${JSON.stringify(name.slice(0, 40))}`, async t => {
    const lines = await problems(`{"agents": {${JSON.stringify(name)}: {"command": ["x"]}}}`);
    t.is(lines.length, 1, lines.join('\n'));
    t.regex(lines[0]!, /expected a name of lower-case letters.*at most 36 char/);
    t.true(lines[0]!.length < 200);
  });
}

test('the key __proto__ is refused, not dropped', async t => {
  const lines = await problems('{"agents": {"a": {"command": ["x"], "env": {"__proto__": "x"}}}}');
  t.deepEqual(lines, ['agents.a.env.__proto__: unknown key: this name cannot be used here']);
});

test('the longest agent name gives a container name that is a valid host name', async t => {
  const name = 'a'.repeat(36);
  t.is((await parse({ agents: { [name]: { command: ['x'] } } })).agents[0]!.name, name);
  t.is(`tmux-agent-${'r'.repeat(12)}-${name}-11`.length, 63);
});

test('fields of an agent with an invalid name are checked too', async t => {
  t.deepEqual(await problems({ agents: { 'a b': { command: ['x'], cpus: 0 } } }), [
    'agents["a b"]: expected a name of lower-case letters, digits and "-" (not first or last), at most 36 characters',
    'agents["a b"].cpus: 0: expected a number of CPUs of at least 0.01, the least that Docker gives a container',
  ]);
});

for (const [target, problem] of [
  ['build1', /^target: "build1": expected an object with "context" or "swarm"$/],
  [{}, /^target: \{\}: expected either "context" or "swarm"$/],
  [{ context: 'a', swarm: 'b' }, /^target: .*: expected either "context" or "swarm"$/],
  [{ context: '' }, /^target\.context: "": expected the name of a docker context/],
  [{ context: '--host' }, /^target\.context: "--host": expected the name of a docker context/],
  [{ swarm: '' }, /^target\.swarm: "": expected the name of a docker context, such as "build1"$/],
  [{ swarm: '--host' }, /^target\.swarm: "--host": expected the name of a docker context/],
  [{ swarm: 3 }, /^target\.swarm: 3: expected the name of a docker context/],
  [{ context: 'build1', host: 'ssh://b' }, /^target\.host: .*docker context create NAME --docker host=ssh/],
] as const) {
  test(`a target of ${JSON.stringify(target)} is refused`, async t => {
    const [line] = await problems({ target, agents: { a: { command: ['x'] } } });
    t.regex(line!, problem);
  });
}

for (const concurrency of [0, -1, 1.5, '2', null]) {
  test(`a concurrency of ${JSON.stringify(concurrency)} is refused`, async t => {
    const [line] = await problems({ concurrency, agents: { a: { command: ['x'] } } });
    t.regex(line!, /^concurrency: .*expected a whole number above zero$/);
  });
}

for (const name of ['', 'a b', 'a/b', '-a', 'x'.repeat(64), 3]) {
  test(`a flow cannot be called ${JSON.stringify(name).slice(0, 20)}`, async t => {
    const [line] = await problems({ name, agents: { a: { command: ['x'] } } });
    t.regex(line!, /^name: .*expected a name/);
  });
}

test('a flow needs an agent, and an agent needs a command or a provider', async t => {
  t.deepEqual(await problems({ agents: {} }), ['agents: {}: expected at least one agent']);
  t.deepEqual(await problems({}), ['agents: missing; expected an object of agents by name']);
  t.deepEqual(await problems({ agents: { a: {} } }), [
    'agents.a: nothing to run; give it a "command", such as ["npm", "test"], or a "provider"',
  ]);
  t.is((await problems({ agents: { a: { provider: 'command' } } })).length, 1);
  t.deepEqual(await problems({ agents: { a: 3 } }), [
    'agents.a: 3: expected an object that describes the agent',
  ]);
});

test('an AI CLI needs a prompt, of its own or of the defaults, and options that it supports', async t => {
  t.deepEqual(await problems({ agents: { a: { provider: 'claude', prompt: 'x' } } }), []);
  t.deepEqual(await problems({ defaults: { provider: 'claude', prompt: 'x' }, agents: { a: {} } }), []);
  t.deepEqual(await problems({ agents: { a: { provider: 'claude' } } }), [
    'agents.a: claude has nothing to do; give it a "prompt"',
  ]);
  t.deepEqual(await problems({ agents: { a: { provider: 'claude', prompt: 'x', budget: { turns: 0 } } } }), [
    'agents.a.budget.turns: 0: expected a whole number above zero',
  ]);
  const interactive = { prompt: 'x', interactive: true };
  t.deepEqual(await problems({ agents: { a: { provider: 'claude', ...interactive } } }), []);
  t.deepEqual(await problems({ agents: { a: { provider: 'aider', ...interactive } } }), [
    'agents.a.interactive: not supported yet for aider',
  ]);
  t.deepEqual(
    await problems({ agents: { a: { provider: 'claude', ...interactive, budget: { turns: 3 } } } }),
    ['agents.a.budget: an interactive agent does not report its usage'],
  );
  t.deepEqual(await problems({ agents: { a: { provider: 'amp', prompt: 'x', model: 'y' } } }), [
    'agents.a.model: amp takes no model on its command line',
  ]);
  t.deepEqual(await problems({ agents: { a: { provider: 'amp', prompt: 'x', budget: { turns: 3 } } } }), [
    'agents.a.budget.turns: amp does not report its turns',
  ]);
});

test('a budget in dollars is a number above zero', async t => {
  const ai = (budget: unknown) => problems({ agents: { a: { provider: 'claude', prompt: 'x', budget } } });
  const form = 'expected a number of US dollars above zero, such as 2.5';
  for (const usd of [0, -1, '5', 1e9])
    t.deepEqual(await ai({ usd }), [`agents.a.budget.usd: ${JSON.stringify(usd)}: ${form}`]);
  const agents = { a: { command: ['x'] } };
  t.deepEqual(await problems({ budget: { usd: 0 }, agents }), [`budget.usd: 0: ${form}`]);
  t.deepEqual(await problems({ budget: {}, agents }), [`budget.usd: missing; ${form}`]);
  t.deepEqual(await problems({ budget: { usd: 1, turns: 2 }, agents }), [
    'budget.turns: unknown key; expected one of usd',
  ]);
});

test('a budget of the run is refused if an AI CLI does not report its usage', async t => {
  const budget = { usd: 5 };
  const why = 'it has no key (COPILOT_PROVIDER_API_KEY)';
  const advice = 'so the budget of the run cannot limit it; give the other agents a "budget" each';
  t.deepEqual(
    await problems({
      budget,
      agents: {
        a: { provider: 'copilot', prompt: 'x' },
        b: { provider: 'claude', prompt: 'x', interactive: true },
        c: { provider: 'claude', prompt: 'x' },
        d: { command: ['x'] },
      },
    }),
    [
      `agents.a: copilot does not report its usage, and no broker counts it (${why}), ${advice}`,
      `agents.b: an interactive agent does not report its usage, ${advice}`,
    ],
  );
});

test('a key in the wrong place is refused with the right place', async t => {
  const agents = { a: { command: ['x'] } };
  t.deepEqual(await problems({ memory: '4g', agents }), [
    'memory: unknown key; it belongs to an agent, or under "defaults"',
  ]);
  t.deepEqual(await problems({ defaults: { dependsOn: [] }, agents }), [
    'defaults.dependsOn: unknown key; it cannot be shared: give it to each agent',
  ]);
});

test('a problem of the defaults is reported once', async t => {
  const agents = { a: { command: ['x'] }, b: { command: ['x'] } };
  t.is(
    (await problems({ defaults: { memory: '4 GB', workspace: 'nope', promptFile: 'nope' }, agents })).length,
    3,
  );
});
