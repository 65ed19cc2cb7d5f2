import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { bin, eventually, fakeDocker, isRunning, place, small } from './flow.ts';

const agent = (command: string, more: object = {}) => ({
  command: ['sh', '-c', command],
  workspace: 'workspace',
  ...small,
  ...more,
});

test('ps lists active agents, logs -f follows one, stop ends it from another process', async t => {
  const here = place(t);
  const run = here.start([
    'run',
    here.write({ agents: { worker: agent('echo one; sleep 2; echo two; sleep 300') } }),
    '--json',
  ]);
  await eventually(isRunning(here, 'worker'), 'a running agent');

  const ps = await here.agentFlow(['ps', '--json']);
  t.is(ps.json.length, 1);
  t.is(ps.json[0].agent, 'worker');
  t.true(ps.json[0].state.startsWith('running'));
  t.is(ps.json[0].engine, run.pid);
  t.regex((await here.agentFlow(['ps'])).stdout, new RegExp(`^${here.runId()}/worker +running`, 'm'));

  const follow = here.start(['logs', '-f', `${here.runId()}/worker`]);
  let seen = '';
  follow.stdout!.on('data', data => (seen += data));
  // The first line of the output is the command, which has both words.
  await eventually(() => /^two$/m.test(seen), 'the second line');
  t.regex(seen, /^one\ntwo$/m);

  const stopped = await here.agentFlow(['stop', 'worker']);
  t.is(stopped.exitCode, 0, stopped.stderr);
  await follow;
  const { stdout, exitCode } = await run;
  t.is(JSON.parse(String(stdout)).agents.worker.status, 'cancelled');
  t.is(exitCode, 1);
  t.deepEqual(await here.containers(), []);
  t.deepEqual((await here.agentFlow(['ps', '--json'])).json, []);
  t.is((await here.agentFlow(['ps', '--all', '--json'])).json[0].state, 'cancelled');
  t.regex((await here.agentFlow(['logs', 'worker'])).stdout, /one\ntwo/);
  t.regex((await here.agentFlow(['stop'])).stderr, /has already finished/);
});

test('attach shows the live session of an agent on a terminal and forwards keys', async t => {
  const here = place(t);
  const command =
    'echo what is your name; read name; stty raw -echo; echo "hello $name" > greeting; head -c 1 > key; sleep 300';
  const run = here.start(['run', here.write({ agents: { worker: agent(command) } })]);
  await eventually(isRunning(here, 'worker'), 'a running agent');
  const attached = execa('script', ['-qec', `${process.execPath} ${bin} attach worker`, '/dev/null'], {
    env: { ...here.env, TERM: 'xterm' },
    stdin: 'pipe',
    reject: false,
    timeout: 600_000,
  });
  let screen = '';
  attached.stdout.on('data', data => (screen += data));
  await eventually(() => screen.includes('what is your name'), 'the question on the screen');
  attached.stdin.write('Ada\r');
  await eventually(
    async () =>
      (await execa('cat', [join(here.workspace, 'greeting')], { reject: false })).stdout === 'hello Ada',
    'the greeting',
  );
  // A Ctrl-P arrives without waiting for another key.
  attached.stdin.write('\x10');
  await eventually(
    async () => (await execa('cat', [join(here.workspace, 'key')], { reject: false })).stdout === '\x10',
    'the key',
  );
  // Ctrl-b d detaches, and the agent keeps running.
  attached.stdin.write('\x02d');
  t.is((await attached).exitCode, 0);
  t.is((await here.containers(['status=running'])).length, 1);
  run.kill('SIGINT');
  await run;
});

test('attach, logs and stop list the candidates when the agent does not exist', async t => {
  const here = place(t);
  const { json } = await here.run({ agents: { worker: agent('true') } });
  const wrong = await here.agentFlow(['logs', 'wroker']);
  t.is(wrong.exitCode, 2);
  t.true(wrong.stderr.includes(`${json.runId}/worker`), wrong.stderr);
  t.is((await here.agentFlow(['stop', 'missing'])).exitCode, 2);
  t.is((await here.agentFlow(['attach', 'r0000000/worker'])).exitCode, 2);
});

test('cleanup skips containers in use by a supervisor, and --force removes them', async t => {
  const here = place(t);
  const run = here.start(['run', here.write({ agents: { worker: agent('sleep 300') } }), '--json']);
  await eventually(isRunning(here, 'worker'), 'a running agent');
  const [id] = await here.containers();
  const careful = await here.agentFlow(['cleanup', '--json']);
  t.deepEqual(careful.json.removed, []);
  t.regex(careful.stderr, /skipped, in use by a supervisor/);
  t.deepEqual((await here.agentFlow(['cleanup', '--force', '--json'])).json.removed, [id]);
  t.is((await run).exitCode, 3);
});

test('cleanup --all names the origin of each container, also of manual ones, and --network removes the network', async t => {
  const here = place(t);
  // The engine is shared, so cleanup sees only the labeled containers of this test.
  const mine = `agent-flow-test=${here.path}`;
  const make = async (...labels: string[]) =>
    (
      await execa('docker', [
        'create',
        `--label=${mine}`,
        ...labels.map(label => `--label=${label}`),
        'debian:bookworm-slim',
        'true',
      ])
    ).stdout;
  const byHand = await make('tmux-agents=true');
  const other = await make(
    'tmux-agents=true',
    'tmux-agents.instance=0123456789abcdef',
    'tmux-agents.run-id=../../etc',
  );
  const unmarked = await make();
  const network = (await execa('docker', ['network', 'create', `agent-flow-test-${process.pid}-cleanup`]))
    .stdout;
  t.teardown(() => execa('docker', ['rm', '-f', byHand, other, unmarked], { reject: false }));
  t.teardown(() => execa('docker', ['network', 'rm', network], { reject: false }));
  const env = fakeDocker(here, {
    'network ls': `echo ${network}; exit`,
    ps: `exec "$real" "$@" '--filter=label=${mine}'`,
  });

  t.deepEqual((await here.agentFlow(['cleanup', '--json'], { env })).json.removed, []);
  const { json, stderr, exitCode } = await here.agentFlow(['cleanup', '--all', '--network', '--json'], {
    env,
  });
  t.is(exitCode, 0, stderr);
  t.deepEqual([...json.removed].sort(), [byHand, other].sort());
  t.regex(stderr, /created by hand/);
  t.regex(stderr, /of another state directory/);
  t.deepEqual(json.networks, ['tmux-agents']);
  t.is((await execa('docker', ['container', 'inspect', '--format={{.Id}}', unmarked])).stdout, unmarked);
  t.is((await execa('docker', ['network', 'inspect', network], { reject: false })).exitCode, 1);
});

test('build builds the base image and prints its name, validate accepts a valid spec and starts nothing', async t => {
  const here = place(t);
  const built = await here.agentFlow(['build', '--json']);
  t.is(built.exitCode, 0, built.stderr);
  t.regex(built.json.id, /^sha256:/);
  const before = here.shimmed().length;
  const valid = await here.agentFlow(['validate', here.write({ agents: { worker: agent('true') } })]);
  t.is(valid.exitCode, 0, valid.stderr);
  t.is(here.shimmed().length, before);
  t.is((await here.agentFlow(['validate', here.write('{')])).exitCode, 2);
});

test('a failed build of the base image fails the agent with the end of its output and leaves nothing behind', async t => {
  const here = place(t);
  const noise =
    'for i in $(seq 1 30); do echo "Step $i"; done; echo "The command returned a non-zero code: 9" >&2; exit 9';
  const env = fakeDocker(here, { 'image inspect': 'echo "Error: No such image" >&2; exit 1', build: noise });
  const { exitCode, json, stderr } = await here.run({ agents: { worker: agent('true') } }, [], { env });
  t.is(exitCode, 1);
  t.is(json.agents.worker.error.phase, 'building');
  t.is(json.agents.worker.error.kind, 'image');
  t.regex(json.agents.worker.error.message, /Step 30/);
  t.notRegex(json.agents.worker.error.message, /Step 5\n/);
  t.regex(stderr, /non-zero code: 9/);
  t.deepEqual(await here.containers(), []);
});

test('logs -f follows into the next attempt, and a retry logs its reason', async t => {
  const here = place(t);
  const command =
    'echo try >> tries; echo attempt $(wc -l < tries); until [ -e go ]; do sleep 0.1; done; test "$(wc -l < tries)" -ge 2';
  const run = here.start([
    'run',
    here.write({ agents: { worker: agent(command, { retries: 1, keep: 'on-failure' }) } }),
  ]);
  await eventually(isRunning(here, 'worker'), 'a running agent');
  const follow = here.start(['logs', '-f', 'worker']);
  let seen = '';
  follow.stdout!.on('data', data => (seen += data));
  await eventually(() => seen.includes('attempt 1'), 'the first attempt');
  writeFileSync(join(here.workspace, 'go'), '');
  t.is((await follow).exitCode, 0);
  t.regex(seen, /attempt 1\n[\s\S]*attempt 2\n/);
  t.notRegex(seen, /^agent-end/m);
  const { exitCode, stderr } = await run;
  t.is(exitCode, 0);
  t.regex(String(stderr), /attempt 1 failed: exited with 1/);
  t.is((await here.containers()).length, 1);
  t.regex((await here.agentFlow(['attach', 'worker'])).stderr, /has already finished/);
  t.regex(
    (await here.agentFlow(['stop', 'worker'])).stderr,
    /has already finished; removed its kept containers/,
  );
  t.deepEqual(await here.containers(), []);
});

test('a run continues after its output is closed', async t => {
  const here = place(t);
  const file = here.write({
    agents: {
      first: agent('echo first >> order'),
      second: agent('echo second >> order', { dependsOn: ['first'] }),
    },
  });
  await execa('bash', ['-c', `'${process.execPath}' '${bin}' run '${file}' 2>&1 | head -1`], {
    env: here.env,
  });
  await eventually(
    () => here.journal().some(event => event.type === 'run.ended' && event.exitCode === 0),
    'the end of the run',
  );
  t.deepEqual(await here.containers(), []);
});
