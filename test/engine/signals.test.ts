import test from 'ava';
import { execa } from 'execa';
import { bin, eventually, place, small } from './flow.ts';

const sleeper = {
  command: ['sh', '-c', 'trap "" INT TERM HUP; echo up; while :; do sleep 1; done'],
  workspace: 'workspace',
  ...small,
};
const running = (here: ReturnType<typeof place>, count: number) =>
  eventually(() => {
    const states = here
      .journal()
      .flatMap(event =>
        event.type === 'agent.state' && event.state.startsWith('running') ? [event.agent] : [],
      );
    return new Set(states).size >= count;
  }, `${count} running agents`);

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  test(`one ${signal} stops and removes everything and exits with ${code}`, async t => {
    const here = place(t);
    const spec = { agents: { one: sleeper, two: sleeper, later: { ...sleeper, dependsOn: ['one'] } } };
    const run = here.start(['run', here.write(spec), '--json', '--concurrency', '2']);
    await running(here, 2);
    run.kill(signal);
    const { exitCode, stdout } = await run;
    t.is(exitCode, code);
    t.deepEqual(await here.containers(), []);
    const json = JSON.parse(String(stdout));
    t.deepEqual(
      Object.values(json.agents).map(agent => (agent as { status: string }).status),
      ['cancelled', 'cancelled', 'cancelled'],
    );
    t.true(here.transcript('one').includes('up'));
    const stopStates = here
      .journal()
      .flatMap(event =>
        event.type === 'agent.state' && event.agent === 'one' && event.state.startsWith('stopping.')
          ? [event.state]
          : [],
      );
    t.deepEqual(stopStates.slice(0, 3), [
      'stopping.checking',
      'stopping.interrupting',
      'stopping.terminating',
    ]);
  });

test('Ctrl-C on a terminal, which signals every child as well, stops and removes everything', async t => {
  const here = place(t);
  const command = `${process.execPath} ${bin} run ${here.write({ agents: { one: sleeper, two: sleeper } })} --concurrency 2`;
  const run = execa('script', ['-qec', command, '/dev/null'], {
    cwd: here.path,
    env: { ...here.env, TERM: 'xterm' },
    stdin: 'pipe',
    reject: false,
    timeout: 600_000,
  });
  await running(here, 2);
  run.stdin.write('\x03');
  t.is((await run).exitCode, 130);
  t.deepEqual(await here.containers(), []);
  t.true(here.journal().some(event => event.type === 'run.ended'));
});

test('a second Ctrl-C removes at once, without the escalation', async t => {
  const here = place(t);
  const run = here.start(['run', here.write({ agents: { one: sleeper } })]);
  await running(here, 1);
  run.kill('SIGINT');
  run.kill('SIGINT');
  await eventually(() => here.journal().some(event => event.type === 'run.cancel'), 'the cancel');
  run.kill('SIGINT');
  const { exitCode } = await run;
  t.is(exitCode, 130);
  t.deepEqual(await here.containers(), []);
});

test('Ctrl-C held down until the process exits still exits with 130', async t => {
  const here = place(t);
  const run = here.start(['run', here.write({ agents: { one: sleeper } })]);
  await running(here, 1);
  const held = setInterval(() => run.kill('SIGINT'), 5);
  t.teardown(() => clearInterval(held));
  t.is((await run).exitCode, 130);
  t.deepEqual(await here.containers(), []);
  t.true(here.journal().some(event => event.type === 'run.ended'));
});

test('Ctrl-C while containers are created leaves none behind', async t => {
  const here = place(t);
  const agents = Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`agent-${index}`, sleeper]));
  const run = here.start(['run', here.write({ agents }), '--concurrency', '6']);
  await eventually(() => {
    return here.journal().some(event => event.type === 'docker.call' && event.argv[1] === 'create');
  }, 'the first create');
  run.kill('SIGINT');
  t.is((await run).exitCode, 130);
  await new Promise(resolve => setTimeout(resolve, 2_000));
  t.deepEqual(await here.containers(), []);
});

test('SIGHUP detaches: the container keeps running, and stop removes it later', async t => {
  const here = place(t);
  const run = here.start(['run', here.write({ agents: { one: sleeper } })]);
  await running(here, 1);
  run.kill('SIGHUP');
  await run;
  t.is((await here.containers(['status=running'])).length, 1);
  t.regex((await here.agentFlow(['ps'])).stdout, /running.*no engine/);
  const stopped = await here.agentFlow(['stop']);
  t.is(stopped.exitCode, 0, stopped.stderr);
  t.deepEqual(await here.containers(), []);
  t.deepEqual((await here.agentFlow(['ps', '--json'])).json, []);
  t.is((await here.agentFlow(['ps', '--all', '--json'])).json[0].state, 'cancelled');
  t.true(here.transcript('one').includes('up'), 'its output is kept');
  t.regex((await here.agentFlow(['stop'])).stderr, /has already finished/);
});

test('stop of one agent of an interrupted run leaves the others running and starts no new ones', async t => {
  const here = place(t);
  const agents = { one: sleeper, two: sleeper, three: sleeper, after: { ...sleeper, dependsOn: ['one'] } };
  const run = here.start(['run', here.write({ concurrency: 2, agents })]);
  await running(here, 2);
  run.kill('SIGHUP');
  await run;
  const stopped = await here.agentFlow(['stop', 'one']);
  t.is(stopped.exitCode, 0, stopped.stderr);
  t.true(here.transcript('one').includes('up'));
  t.is((await here.containers()).length, 1);
  t.is((await here.containers(['status=running', 'label=tmux-agents.agent=two'])).length, 1);
  t.regex((await here.agentFlow(['stop', 'one'])).stderr, /one has already finished/);
  t.is((await here.agentFlow(['stop'])).exitCode, 0);
  t.deepEqual(await here.containers(), []);
  const ends = here.journal().flatMap(event => (event.type === 'agent.ended' ? [event.agent] : []));
  t.deepEqual(ends.sort(), ['after', 'one', 'three', 'two']);
});
