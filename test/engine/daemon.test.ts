import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Options } from 'execa';
import { eventually, fakeDocker, isRunning, type Place, place, small } from './flow.ts';

/** Each start appends a line outside the container; it goes on until somebody says so. */
const worker = (more = '', options: object = {}) => ({
  command: ['sh', '-c', `echo start >> starts; until [ -e go ]; do sleep 0.1; done; ${more}`],
  workspace: 'workspace',
  ...small,
  ...options,
});
const starts = (here: Place) => readFileSync(join(here.workspace, 'starts'), 'utf8').trim().split('\n');
const go = (here: Place) => writeFileSync(join(here.workspace, 'go'), '');
const locks = (folder: string) => readdirSync(folder).filter(name => name.includes('lock'));

/** Starts a run and kills its engine as soon as its agent runs. */
async function abandoned(here: Place, spec: unknown) {
  const engine = here.start(['run', here.write(spec)]);
  await eventually(isRunning(here, 'worker'), 'a running agent');
  engine.kill('SIGKILL');
  await engine;
  return here.runId()!;
}

/** A daemon that ends with the test at the latest, and what it has said so far. */
function daemon(t: ExecutionContext, here: Place, options: Options = {}) {
  // A slow machine is given the time that it needs to let go.
  const child = here.start(['daemon'], { forceKillAfterDelay: false, ...options });
  t.teardown(async () => {
    child.kill('SIGKILL');
    await child;
  });
  let said = '';
  child.stderr!.on('data', chunk => {
    said += chunk;
  });
  return { child, said: () => said, says: (what: RegExp) => eventually(() => what.test(said), `${what}`) };
}

test('a daemon takes up what nobody drives, lets go on SIGTERM, and its next start takes it up again', async t => {
  const here = place(t);
  const runId = await abandoned(here, { agents: { worker: worker('exit 7') } });
  const first = daemon(t, here);
  await first.says(new RegExp(`${runId} of spec resumed: 1 of 1 agents to go`));

  const second = await here.agentFlow(['daemon']);
  t.is(second.exitCode, 2);
  t.regex(second.stderr, new RegExp(`is already running: process ${first.child.pid} on `));
  const { json: status } = await here.agentFlow(['daemon', 'status', '--json']);
  t.is(status.daemon.pid, first.child.pid);
  t.true(status.daemon.since > 0 && status.daemon.since <= Date.now());
  t.is(status.runs.length, 1);
  t.is(status.runs[0].run, runId);
  t.true(status.runs[0].drivenByDaemon);
  t.regex((await here.agentFlow(['resume', runId])).stderr, /is already being executed by process/);

  first.child.kill('SIGTERM');
  t.is((await first.child).exitCode, 0, first.said());
  t.is((await here.containers(['status=running'])).length, 1);
  t.deepEqual(locks(here.stateDir), []);
  t.deepEqual(locks(join(here.stateDir, 'runs', runId)), []);
  const { stdout } = await here.agentFlow(['daemon', 'status']);
  t.regex(stdout, /^no daemon is running for \S+$/m);
  t.regex(stdout, new RegExp(`^${runId} +spec +no process$`, 'm'));

  const next = daemon(t, here);
  await next.says(/resumed:/);
  go(here);
  await next.says(new RegExp(`${runId} failed, exit code 1`));
  next.child.kill('SIGHUP');
  t.is((await next.child).exitCode, 0);
  const ended = here.journal().flatMap(event => (event.type === 'agent.ended' ? [event.exitCode] : []));
  t.deepEqual(ended, [7]);
  t.deepEqual(starts(here), ['start']);
  t.deepEqual(await here.containers(), []);
});

test('a daemon takes up a run that loses its engine later, and leaves one alone whose engine lives', async t => {
  const here = place(t);
  const engine = here.start(['run', here.write({ agents: { worker: worker() } })]);
  await eventually(isRunning(here, 'worker'), 'a running agent');
  const { child, says, said } = daemon(t, here);
  await says(/daemon for /);
  // Longer than it takes between two looks.
  await new Promise(resolve => setTimeout(resolve, 5_000));
  t.notRegex(said(), /resumed:/);
  const { json } = await here.agentFlow(['daemon', 'status', '--json']);
  t.is(json.runs[0].engine.pid, engine.pid);
  t.false(json.runs[0].drivenByDaemon);
  engine.kill('SIGKILL');
  await engine;
  await says(/resumed:/);
  go(here);
  await says(/succeeded, exit code 0/);
  child.kill('SIGINT');
  t.is((await child).exitCode, 0);
  t.deepEqual(starts(here), ['start']);
});

test('a run that cannot be read is said once, and the others are driven all the same', async t => {
  const here = place(t);
  const runId = await abandoned(here, { agents: { worker: worker() } });
  const broken = join(here.stateDir, 'runs', 'rbroken1');
  mkdirSync(broken);
  writeFileSync(join(broken, 'run.json'), '{"version":1,');
  writeFileSync(join(broken, 'journal.jsonl'), '');
  const unreadable = join(here.stateDir, 'runs', 'rbroken2');
  mkdirSync(join(unreadable, 'journal.jsonl'), { recursive: true });
  // One that is right by itself, and would be built of what an agent of the first can write.
  const refused = join(here.stateDir, 'runs', 'rbroken3');
  mkdirSync(refused);
  const record = JSON.parse(readFileSync(join(here.stateDir, 'runs', runId, 'run.json'), 'utf8'));
  const [agent] = record.plan.agents;
  const build = { context: here.workspace, dockerfile: 'Dockerfile', args: {}, target: null };
  record.plan.agents = [{ ...agent, image: null, build, workspace: { mode: 'none' } }];
  writeFileSync(join(refused, 'run.json'), JSON.stringify({ ...record, runId: 'rbroken3' }));
  writeFileSync(join(refused, 'journal.jsonl'), '');
  const { child, said, says } = daemon(t, here);
  await says(/rbroken3 could not be resumed: .*can write to what is built/);
  await says(/rbroken2 could not be resumed: .* is not a regular file/);
  await says(/rbroken1 could not be resumed: .*run\.json cannot be read/);
  await says(new RegExp(`${runId} of spec resumed:`));
  go(here);
  await says(new RegExp(`${runId} succeeded`));
  // Time for it to be tried once more.
  await new Promise(resolve => setTimeout(resolve, 7_000));
  child.kill('SIGTERM');
  t.is((await child).exitCode, 0);
  t.is(said().match(/rbroken1 could/g)?.length, 1, said());
  t.deepEqual(locks(broken), []);
});

test('a Docker engine that is away is waited for', async t => {
  const here = place(t);
  const runId = await abandoned(here, { agents: { worker: worker() } });
  const env = fakeDocker(here, {
    info: `[ -e '${here.path}/back' ] || { echo 'Cannot connect to the Docker daemon' >&2; exit 1; }; exec "$real" "$@"`,
  });
  const { child, said, says } = daemon(t, here, { env });
  await says(/runs wait for the Docker engine: .*Cannot connect/);
  writeFileSync(join(here.path, 'back'), '');
  await says(new RegExp(`${runId} of spec resumed:`));
  go(here);
  await says(/succeeded, exit code 0/);
  child.kill('SIGTERM');
  t.is((await child).exitCode, 0);
  t.is(said().match(/runs wait/g)?.length, 1);
});

test('daemon --once sees through what it finds, and ends with the largest of the exit codes', async t => {
  const here = place(t);
  t.is((await here.agentFlow(['daemon', '--once'])).exitCode, 0);
  await abandoned(here, { agents: { worker: worker('exit 3') } });
  go(here);
  const { exitCode, stderr } = await here.agentFlow(['daemon', '--once']);
  t.is(exitCode, 1);
  t.regex(stderr, /resumed:/);
  t.regex(stderr, /failed, exit code 1/);
  t.deepEqual(await here.containers(), []);
  // What is over is not taken up again.
  const again = await here.agentFlow(['daemon', '--once']);
  t.is(again.exitCode, 0);
  t.is(again.stderr, '');
});

test('a daemon that is killed leaves nothing in the way of the next one', async t => {
  const here = place(t);
  await abandoned(here, { agents: { worker: worker() } });
  const first = daemon(t, here);
  await first.says(/resumed:/);
  first.child.kill('SIGKILL');
  await first.child;
  const next = daemon(t, here);
  await next.says(/resumed:/);
  go(here);
  await next.says(/succeeded, exit code 0/);
  next.child.kill('SIGTERM');
  t.is((await next.child).exitCode, 0);
  t.deepEqual(starts(here), ['start']);
  t.true(existsSync(join(here.stateDir, 'runs', here.runId()!, 'result.json')));
});

test('a daemon that is ended while docker is at work leaves it to the next one, and nothing is done twice', async t => {
  const here = place(t);
  const after = { ...worker(), dependsOn: ['worker'] };
  await abandoned(here, { agents: { worker: worker(), after } });
  const env = fakeDocker(here, { create: 'sleep 5; exec "$real" "$@"' });
  const first = daemon(t, here, { env });
  await first.says(/resumed: 2 of 2 agents to go/);
  go(here);
  await eventually(
    () =>
      here
        .journal()
        .some(event => event.type === 'docker.call' && event.agent === 'after' && event.argv[1] === 'create'),
    'the second create',
  );
  first.child.kill('SIGTERM');
  t.is((await first.child).exitCode, 0, first.said());
  t.regex(first.said(), /detached: its agents live on/);
  const { exitCode, stderr } = await here.agentFlow(['daemon', '--once']);
  t.is(exitCode, 0, stderr);
  t.regex(stderr, /resumed: 1 of 2 agents to go/);
  t.deepEqual(starts(here), ['start', 'start']);
  t.deepEqual(await here.containers(), []);
});
