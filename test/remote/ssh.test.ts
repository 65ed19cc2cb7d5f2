import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { eventually, isRunning, killed } from '../engine/flow.ts';
import { agent, attach, client, stoppedWork } from './client.ts';
import { remoteEngine } from './remote-engine.ts';
import { sshServer, sshUser } from './ssh-server.ts';

const remote = await remoteEngine();
remote.upForTests();

const folder = mkdtempSync(join(tmpdir(), 'ssh-'));
const file = (name: string) => join(folder, name);
const servers: { end(): Promise<void> }[] = [];

test.after.always(() => Promise.all(servers.map(server => server.end())));

/** An ssh with settings of its own, first on PATH: hosts that share a connection, that do not, and whose server is busy. */
test.before(async () => {
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file('key')]);
  const authorizedKey = readFileSync(file('key.pub'), 'utf8');
  const quiet = await sshServer(remote.daemon, { name: 'quiet', authorizedKey });
  servers.push(quiet);
  const busy = await sshServer(remote.daemon, {
    ...{ name: 'busy', authorizedKey },
    settings: ['MaxStartups 2:50:10'],
  });
  servers.push(busy);
  const host = (name: string, port: number, ...more: string[]) =>
    [`Host ${name}`, `Port ${port}`, ...more].join('\n  ');
  const config = [
    host('shared', quiet.port, 'ControlMaster auto', `ControlPath ${file('master')}`, 'ControlPersist yes'),
    host('apart', quiet.port),
    host('busy', busy.port),
    'Host *',
    ...['HostName 127.0.0.1', `User ${sshUser}`, 'BatchMode yes'],
    ...[`IdentityFile ${file('key')}`, 'IdentitiesOnly yes'],
    ...[`UserKnownHostsFile ${file('known_hosts')}`, 'StrictHostKeyChecking yes'],
  ];
  writeFileSync(file('config'), `${config.join('\n')}\n`);
  writeFileSync(file('known_hosts'), `${quiet.knownHost}${busy.knownHost}`);
  const { stdout: ssh } = await execa('sh', ['-c', 'command -v ssh']);
  mkdirSync(file('bin'));
  writeFileSync(file('bin/ssh'), `#!/bin/sh\nexec '${ssh}' -F '${file('config')}' "$@"\n`, { mode: 0o755 });
  process.env.PATH = `${file('bin')}:${process.env.PATH}`;
  const context = ['context', 'create', 'build1', '--docker', 'host=ssh://apart'];
  await execa('docker', context, { env: { DOCKER_CONFIG: file('docker') } });
});

const warning = /every docker command opens its own ssh connection/;

const hosts = [
  ['a shared ssh connection', () => ({ DOCKER_HOST: 'ssh://shared' })],
  [
    'a docker context with an ssh connection for each command',
    () => ({ DOCKER_CONFIG: file('docker'), DOCKER_CONTEXT: 'build1', DOCKER_HOST: undefined }),
  ],
] as const;

for (const [title, env] of hosts) {
  test(`an agent works in a clone over ${title}, and its branch comes back`, async t => {
    const { here, git, left } = await client(t, remote, env());
    const script = 'cat README; git commit --quiet --allow-empty -m two; echo more >file';
    const { exitCode, json, stderr } = await here.run({ agents: { a: agent(script) } });
    t.is(exitCode, 0, stderr);
    t.notRegex(stderr, warning);
    const { branch } = json.agents.a.workspace;
    t.is(await git('show', '-s', '--format=%s', `${branch}~1`), 'two');
    t.is(await git('show', `${branch}:file`), 'more');
    t.regex(here.transcript('a'), /^one$/m);
    t.deepEqual(await left(), [[], []]);
  });

  test(`a killed run is resumed over ${title}, and its work comes back once`, async t => {
    const { here, git, docker, left } = await client(t, remote, env());
    const script = 'echo begun; until [ -e /tmp/go ]; do sleep 0.2; done; echo more >file';
    await killed(here, { agents: { a: agent(script) } }, async () =>
      /^begun$/m.test((await here.agentFlow(['logs', 'a'])).stdout),
    );
    const [id] = await docker('ps', '--quiet', `--filter=label=tmux-agents.run-id=${here.runId()}`);
    await docker('exec', id!, 'touch', '/tmp/go');
    const { exitCode, json, stderr } = await here.agentFlow(['resume', '--json']);
    t.is(exitCode, 0, stderr);
    t.is(json.agents.a.attempts.length, 1);
    const { branch } = json.agents.a.workspace;
    t.is(await git('rev-list', '--count', `main..${branch}`), '1');
    t.is(await git('show', `${branch}:file`), 'more');
    t.deepEqual(await left(), [[], []]);
  });

  test(`attach, logs, ps and stop reach an agent over ${title}, and cleanup removes what is kept`, async t => {
    const { here, git, left, start } = await client(t, remote, env());
    const script = 'echo what is your name; read name; echo "hello $name" | tee greeting; sleep 300';
    const agents = { a: agent(script), b: agent('true', { keep: 'always', workspace: { mode: 'none' } }) };
    const run = start(['run', here.write({ agents }), '--json']);
    await eventually(isRunning(here, 'a'), 'a running agent');
    const follow = start(['logs', '--follow', 'a']);
    let seen = '';
    follow.stdout!.on('data', data => (seen += data));
    const detached = await attach(t, here, 'a', [
      { shows: 'what is your name' },
      { keys: 'Ada\r', shows: 'hello Ada' },
      { keys: '\x02d' },
    ]);
    t.is(detached, 0);
    await eventually(() => /^hello Ada$/m.test(seen), 'the greeting');
    t.regex((await here.agentFlow(['logs', 'a'])).stdout, /^hello Ada$/m);
    t.true((await here.agentFlow(['ps', '--json'])).json[0].state.startsWith('running'));
    const stopped = await here.agentFlow(['stop', 'a']);
    t.is(stopped.exitCode, 0, stopped.stderr);
    t.is((await follow).exitCode, 0);
    const { status, workspace } = JSON.parse(String((await run).stdout)).agents.a;
    t.is(status, 'cancelled');
    if (workspace.branch !== null) t.is(await git('show', `${workspace.branch}:greeting`), 'hello Ada');
    t.is((await left())[1].length, 1);
    const cleaned = await here.agentFlow(['cleanup']);
    t.is(cleaned.exitCode, 0, cleaned.stderr);
    t.deepEqual(await left(), [stoppedWork(workspace), []]);
  });
}

test('eight agents at once succeed though the ssh server refuses some of their connections', async t => {
  const { here, git, left } = await client(t, remote, { DOCKER_HOST: 'ssh://busy' });
  const names = Array.from({ length: 8 }, (_, index) => `a${index}`);
  const isCloned = (name: string) => name < 'a2';
  const of = (name: string) =>
    isCloned(name) ? agent('echo more >file') : agent(`echo ${name}`, { workspace: { mode: 'none' } });
  const agents = Object.fromEntries(names.map(name => [name, of(name)]));
  const { exitCode, json, stderr } = await here.run({ agents }, ['--concurrency=8']);
  t.is(exitCode, 0, stderr);
  t.regex(stderr, warning);
  t.notRegex(stderr, /could not save/, stderr);
  const refused = here
    .journal()
    .filter(event => event.type === 'docker.result' && /kex_exchange_identification/.test(event.stderr));
  t.true(refused.length > 0);
  for (const name of names) {
    t.is(json.agents[name].attempts.length, 1, name);
    if (isCloned(name))
      t.is(await git('show', `${json.agents[name].workspace?.branch}:file`), 'more', stderr);
    else t.regex(here.transcript(name), new RegExp(`^${name}$`, 'm'));
  }
  t.deepEqual(await left(), [[], []]);
});
