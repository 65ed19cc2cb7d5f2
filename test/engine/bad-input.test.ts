import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { eventually, fakeDocker, place, small } from './flow.ts';

const fine = { agents: { worker: { command: ['true'], workspace: 'workspace', ...small } } };

test('a missing engine exits with 3 and a hint on one line', async t => {
  const here = place(t);
  const { exitCode, stderr } = await here.run(fine, [], {
    env: { ...here.env, DOCKER_HOST: `unix://${here.path}/none.sock` },
  });
  t.is(exitCode, 3);
  t.regex(
    stderr,
    /^agent-flow: could not reach the Docker engine: .*\. Start Docker, .*, or unset DOCKER_HOST\n?$/,
  );
  t.deepEqual(readdirSync(join(here.stateDir, 'runs')), []);
});

test('an unresponsive engine exits with 3', async t => {
  const here = place(t);
  const socket = join(here.path, 'silent.sock');
  const server = createServer(() => {}).listen(socket);
  t.teardown(() => server.close());
  const { exitCode, stderr } = await here.run(fine, [], {
    env: { ...here.env, DOCKER_HOST: `unix://${socket}` },
  });
  t.is(exitCode, 3);
  t.regex(stderr, /did not respond/);
});

test('a missing Docker CLI exits with 3', async t => {
  const here = place(t);
  const bare = join(here.path, 'bare');
  mkdirSync(bare);
  const { exitCode, stderr } = await here.run(fine, [], { env: { ...here.env, PATH: bare } });
  t.is(exitCode, 3);
  t.regex(stderr, /docker command is not on PATH/);
});

test('an image that does not exist fails the agent and leaves nothing behind', async t => {
  const here = place(t);
  const { exitCode, json } = await here.run({
    agents: { worker: { ...fine.agents.worker, image: 'agent-flow-test/no-such-image:1' } },
  });
  t.is(exitCode, 1);
  t.is(json.agents.worker.error.phase, 'building');
  t.regex(json.agents.worker.error.message, /agent-flow-test\/no-such-image:1/);
  t.deepEqual(await here.containers(), []);
});

test('an image that cannot run agents is refused by name with a hint', async t => {
  const here = place(t);
  const name = 'agent-flow-test-image:empty';
  await execa('docker', ['build', '--quiet', `--tag=${name}`, '-'], {
    input: 'FROM scratch\nLABEL agent-flow-test=empty\n',
  });
  t.teardown(() => execa('docker', ['rmi', name], { reject: false }));
  const { exitCode, json } = await here.run({ agents: { worker: { ...fine.agents.worker, image: name } } });
  t.is(exitCode, 1);
  t.is(json.agents.worker.error.kind, 'image');
  t.regex(
    json.agents.worker.error.message,
    /the image agent-flow-test-image:empty cannot run agents: it has no \/bin\/sh\. .*FROM tmux-agents-base/,
  );
  t.deepEqual(await here.containers(), []);
});

test('a network with the right name and another driver exits with 3 and is not replaced', async t => {
  const here = place(t);
  const name = 'agent-flow-test-other-driver';
  // An engine supports such drivers only where its kernel does, so this reply is a fake.
  const env = fakeDocker(here, {
    'network ls': `echo '{"ID":"n1","Name":"${name}","Driver":"macvlan"}'; exit`,
  });
  const { exitCode, json } = await here.run(
    { agents: { worker: { ...fine.agents.worker, network: { name } } } },
    [],
    { env },
  );
  t.is(exitCode, 3);
  t.is(json.agents.worker.error.phase, 'networking');
  t.regex(json.agents.worker.error.message, /driver is macvlan/);
  t.is((await execa('docker', ['network', 'ls', '-q', `--filter=name=${name}`])).stdout, '');
});

test('an invalid spec reports every problem at once, exits with 2 and starts nothing', async t => {
  const here = place(t);
  writeFileSync(join(here.path, 'a-file'), '');
  const { exitCode, stderr } = await here.run({
    agents: {
      a: { command: ['true'], memory: '4 GB' },
      b: { command: ['true'], memory: 0, cpus: -1 },
      c: { command: ['true'], workspace: 'missing' },
      d: { command: ['true'], workspace: 'a-file' },
      e: { command: ['true'], dependsOn: ['f'] },
      f: { command: ['true'], dependsOn: ['e'] },
      'g/h': { command: ['true'] },
      i: { comand: ['true'] },
      ['x'.repeat(300)]: { command: ['true'] },
      '-j': { command: ['true'] },
    },
  });
  t.is(exitCode, 2);
  for (const message of [
    'agents.a.memory',
    'agents.b.memory',
    'agents.b.cpus',
    'agents.c.workspace',
    'agents.d.workspace',
    'e → f → e',
    'did you mean "command"',
    'g/h',
    '-j',
  ])
    t.true(stderr.includes(message), `${message} in ${stderr}`);
  t.deepEqual(here.shimmed(), []);
});

test('more CPUs than the engine has exit with 2 before anything starts', async t => {
  const here = place(t);
  const { exitCode, stderr } = await here.run({ agents: { worker: { ...fine.agents.worker, cpus: 4096 } } });
  t.is(exitCode, 2);
  t.regex(stderr, /agents\.worker\.cpus: 4096 is more than the \d+ that the Docker engine has/);
  // Calls that only read.
  for (const verb of here.shimmed()) t.true(['context', 'image', 'info', 'network'].includes(verb), verb);
});

test('an unknown command and an unknown option exit with 2 and a hint', async t => {
  const here = place(t);
  const wrong = await here.agentFlow(['rnu', 'spec.json']);
  t.is(wrong.exitCode, 2);
  t.regex(wrong.stderr, /run/);
  t.is((await here.agentFlow(['run', 'spec.json', '--nonsense'])).exitCode, 2);
  t.is((await here.agentFlow([])).exitCode, 2);
  const file = here.write(fine);
  for (const args of [
    ['--concurrency', 'x'],
    ['--concurrency', '0'],
    ['--concurrency', '1.5'],
    ['--concurrency'],
    ['--state-dir'],
  ]) {
    const { exitCode, stderr } = await here.agentFlow(['run', file, ...args]);
    t.is(exitCode, 2, args.join(' '));
    t.regex(stderr, /^agent-flow: [^\n]+\n?$/, args.join(' '));
  }
  t.is((await here.agentFlow(['run', 'missing.json'])).exitCode, 2);
});

test('a state directory that cannot be created is named on one line and exits with 2', async t => {
  const here = place(t);
  writeFileSync(join(here.path, 'file'), '');
  for (const path of [join(here.path, 'file'), join(here.path, 'file', 'below'), '/proc/nope']) {
    const { exitCode, stderr } = await here.run(fine, ['--state-dir', path]);
    t.is(exitCode, 2, path);
    t.regex(
      stderr,
      /^agent-flow: the state directory \S+ cannot be used: [^\n]+ Name another with --state-dir\n?$/,
    );
  }
});

test('a name that a foreign container holds exits with 3, and that container is never touched', async t => {
  const here = place(t);
  const spec = {
    agents: {
      first: { command: ['sleep', '6'], workspace: 'workspace', ...small },
      second: { ...fine.agents.worker, dependsOn: ['first'] },
    },
  };
  const run = here.start(['run', here.write(spec), '--json']);
  const runId = await eventually(here.runId, 'a run');
  const name = `tmux-agent-${runId}-second-1`;
  const foreign = (
    await execa('docker', ['create', '--name', name, 'debian:bookworm-slim', 'true'])
  ).stdout.trim();
  t.teardown(() => execa('docker', ['rm', '-f', foreign]));
  const { exitCode, stdout } = await run;
  const json = JSON.parse(String(stdout));
  t.is(exitCode, 3);
  t.is(json.agents.first.status, 'succeeded');
  t.is(json.agents.second.error.kind, 'nameConflict');
  t.true(json.agents.second.error.message.includes(foreign.slice(0, 12)));
  t.is(
    (await execa('docker', ['container', 'inspect', '--format={{.State.Status}}', foreign])).stdout,
    'created',
  );
});
