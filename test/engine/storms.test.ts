import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { eventually, fakeDocker, isRunning, place, small } from './flow.ts';

const away = "echo 'Cannot connect to the Docker daemon. Is the docker daemon running?' >&2; exit 1";

test('forty agents that wait for an engine share its lists, and their waits are journaled once', async t => {
  const here = place(t);
  const calls = join(here.path, 'lists');
  const lists = () => (existsSync(calls) ? readFileSync(calls, 'utf8').split('\n').length - 1 : 0);
  const info = JSON.stringify({ ServerVersion: '20.10.0', NCPU: 64, MemTotal: 270_000_000_000 });
  const env = fakeDocker(here, {
    info: `echo '${info}'; exit`,
    image: away,
    ps: `echo x >>'${calls}'; ${away}`,
    events: away,
  });
  const names = Array.from({ length: 40 }, (_, index) => `worker-${index}`);
  const agents = Object.fromEntries(
    names.map(name => [name, { command: ['true'], workspace: { mode: 'none' }, ...small }]),
  );
  const engine = here.start(['run', here.write({ agents, concurrency: 40 })], { env });
  t.teardown(() => engine.kill('SIGKILL'));
  const waiting = () =>
    here.journal().filter(event => event.type === 'agent.state' && event.state === 'engineUnreachable');
  await eventually(() => waiting().length === 40, 'forty agents that wait');
  await eventually(
    () => here.journal().some(({ type }) => type === 'engine.unreachable'),
    'the event of the wait',
  );
  t.true(lists() < 40, `${lists()} lists`);

  const before = lists();
  await eventually(() => lists() > before + 5, 'five more lists');
  const journal = here.journal();
  const listed = journal.filter(event => event.type === 'docker.call' && event.argv[1] === 'ps');
  // The first of the lists that are polled.
  t.is(listed.length, 1);
  t.is(journal.filter(({ type }) => type === 'engine.unreachable').length, 1);
  engine.kill('SIGKILL');
  await engine;
});

test('a run whose engine refuses its events warns once, and still finds the ends of its agents', async t => {
  const here = place(t);
  const env = fakeDocker(here, { events: "echo 'Error response from daemon: Forbidden' >&2; exit 1" });
  const command = ['sh', '-c', 'until [ -e go ]; do sleep 0.1; done; exit 7'];
  const agents = { worker: { command, workspace: 'workspace', ...small } };
  const run = here.start(['run', here.write({ agents }), '--json'], { env });
  await eventually(isRunning(here, 'worker'), 'an agent that runs');
  await eventually(() => here.journal().some(({ type }) => type === 'warning'), 'a warning');
  writeFileSync(join(here.workspace, 'go'), '');
  const { exitCode, stdout, stderr } = await run;
  t.is(exitCode, 1, String(stderr));
  t.is(JSON.parse(String(stdout)).agents.worker.exitCode, 7);
  const warnings = here.journal().flatMap(event => (event.type === 'warning' ? [event.message] : []));
  t.is(warnings.length, 1);
  t.regex(warnings[0]!, /^docker events does not work: Error response from daemon: Forbidden\./);
  t.regex(String(stderr), /warning: docker events does not work/);
  const eventCalls = here
    .journal()
    .filter(event => event.type === 'docker.call' && event.argv[1] === 'events');
  t.is(eventCalls.length, 1);
});
