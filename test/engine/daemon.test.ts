import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Options } from 'execa';
import {
  countedWorker,
  eventually,
  fakeDocker,
  hasBegun,
  isRunning,
  killed,
  type Place,
  place,
  starts,
} from './flow.ts';

/** Each start appends a line outside the container; the agent runs until the file `go` exists. */
const worker = (more = '') => countedWorker(`until [ -e go ]; do sleep 0.1; done; ${more}`);
const go = (here: Place) => writeFileSync(join(here.workspace, 'go'), '');
const locks = (folder: string) => readdirSync(folder).filter(name => name.includes('lock'));

/** Start a run and kill its supervisor as soon as its agent runs. */
const abandoned = (here: Place, spec: unknown) => killed(here, spec, hasBegun(here, 'worker'));

/** A daemon that ends with the test at the latest, and its output so far. */
function daemon(t: ExecutionContext, here: Place, options: Options = {}) {
  // A slow machine gets the time that it needs to detach.
  const child = here.start(['daemon'], { forceKillAfterDelay: false, ...options });
  t.teardown(async () => {
    child.kill('SIGKILL');
    await child;
  });
  let output = '';
  child.stderr!.on('data', chunk => {
    output += chunk;
  });
  return {
    child,
    output: () => output,
    prints: (what: RegExp) => eventually(() => what.test(output), `${what}`),
  };
}

test('the daemon resumes interrupted runs, detaches on SIGTERM, and resumes them at its next start', async t => {
  const here = place(t);
  const runId = await abandoned(here, { agents: { worker: worker('exit 7') } });
  const first = daemon(t, here);
  await first.prints(new RegExp(`${runId} of spec resumed: 1 of 1 agents to go`));

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
  t.is((await first.child).exitCode, 0, first.output());
  t.is((await here.containers(['status=running'])).length, 1);
  t.deepEqual(locks(here.stateDir), []);
  t.deepEqual(locks(join(here.stateDir, 'runs', runId)), []);
  const { stdout } = await here.agentFlow(['daemon', 'status']);
  t.regex(stdout, /^no daemon is running for \S+$/m);
  t.regex(stdout, new RegExp(`^${runId} +spec +no process$`, 'm'));

  const next = daemon(t, here);
  await next.prints(/resumed:/);
  go(here);
  await next.prints(new RegExp(`${runId} failed, exit code 1`));
  next.child.kill('SIGHUP');
  t.is((await next.child).exitCode, 0);
  const ended = here.journal().flatMap(event => (event.type === 'agent.ended' ? [event.exitCode] : []));
  t.deepEqual(ended, [7]);
  t.is(starts(here), 1);
  t.deepEqual(await here.containers(), []);
});

test('the daemon resumes a run whose supervisor dies later, and skips one that is being driven', async t => {
  const here = place(t);
  const engine = here.start(['run', here.write({ agents: { worker: worker() } })]);
  await eventually(isRunning(here, 'worker'), 'a running agent');
  const { child, prints, output } = daemon(t, here);
  await prints(/daemon for /);
  // Longer than one poll interval.
  await new Promise(resolve => setTimeout(resolve, 5_000));
  t.notRegex(output(), /resumed:/);
  const { json } = await here.agentFlow(['daemon', 'status', '--json']);
  t.is(json.runs[0].engine.pid, engine.pid);
  t.false(json.runs[0].drivenByDaemon);
  engine.kill('SIGKILL');
  await engine;
  await prints(/resumed:/);
  go(here);
  await prints(/succeeded, exit code 0/);
  child.kill('SIGINT');
  t.is((await child).exitCode, 0);
  t.is(starts(here), 1);
});

test('an unreadable run is reported once, and the daemon drives the others', async t => {
  const here = place(t);
  const runId = await abandoned(here, { agents: { worker: worker() } });
  const broken = join(here.stateDir, 'runs', 'rbroken1');
  mkdirSync(broken);
  writeFileSync(join(broken, 'run.json'), '{"version":1,');
  writeFileSync(join(broken, 'journal.jsonl'), '');
  const unreadable = join(here.stateDir, 'runs', 'rbroken2');
  mkdirSync(join(unreadable, 'journal.jsonl'), { recursive: true });
  // This run is valid by itself, but is built from files that an agent of the first one can write.
  const refused = join(here.stateDir, 'runs', 'rbroken3');
  mkdirSync(refused);
  const record = JSON.parse(readFileSync(join(here.stateDir, 'runs', runId, 'run.json'), 'utf8'));
  const [agent] = record.plan.agents;
  const build = { context: here.workspace, dockerfile: 'Dockerfile', args: {}, target: null };
  record.plan.agents = [{ ...agent, image: null, build, workspace: { mode: 'none' } }];
  writeFileSync(join(refused, 'run.json'), JSON.stringify({ ...record, runId: 'rbroken3' }));
  writeFileSync(join(refused, 'journal.jsonl'), '');
  const { child, output, prints } = daemon(t, here);
  await prints(/rbroken3 could not be resumed: .*can write to what is built/);
  await prints(/rbroken2 could not be resumed: .* is not a regular file/);
  await prints(/rbroken1 could not be resumed: .*run\.json cannot be read/);
  await prints(new RegExp(`${runId} of spec resumed:`));
  go(here);
  await prints(new RegExp(`${runId} succeeded`));
  // Long enough for another try.
  await new Promise(resolve => setTimeout(resolve, 7_000));
  child.kill('SIGTERM');
  t.is((await child).exitCode, 0);
  t.is(output().match(/rbroken1 could/g)?.length, 1, output());
  t.deepEqual(locks(broken), []);
});

test('the daemon waits for an unreachable Docker engine', async t => {
  const here = place(t);
  const runId = await abandoned(here, { agents: { worker: worker() } });
  const env = fakeDocker(here, {
    info: `[ -e '${here.path}/back' ] || { echo 'Cannot connect to the Docker daemon' >&2; exit 1; }; exec "$real" "$@"`,
  });
  const { child, output, prints } = daemon(t, here, { env });
  await prints(/runs wait for the Docker engine: .*Cannot connect/);
  writeFileSync(join(here.path, 'back'), '');
  await prints(new RegExp(`${runId} of spec resumed:`));
  go(here);
  await prints(/succeeded, exit code 0/);
  child.kill('SIGTERM');
  t.is((await child).exitCode, 0);
  t.is(output().match(/runs wait/g)?.length, 1);
});

test('daemon --once drives the runs it finds and exits with the largest of their exit codes', async t => {
  const here = place(t);
  t.is((await here.agentFlow(['daemon', '--once'])).exitCode, 0);
  await abandoned(here, { agents: { worker: worker('exit 3') } });
  go(here);
  const { exitCode, stderr } = await here.agentFlow(['daemon', '--once']);
  t.is(exitCode, 1);
  t.regex(stderr, /resumed:/);
  t.regex(stderr, /failed, exit code 1/);
  t.deepEqual(await here.containers(), []);
  // A finished run is not resumed again.
  const again = await here.agentFlow(['daemon', '--once']);
  t.is(again.exitCode, 0);
  t.is(again.stderr, '');
});

test('a killed daemon does not block the next one', async t => {
  const here = place(t);
  await abandoned(here, { agents: { worker: worker() } });
  const first = daemon(t, here);
  await first.prints(/resumed:/);
  first.child.kill('SIGKILL');
  await first.child;
  const next = daemon(t, here);
  await next.prints(/resumed:/);
  go(here);
  await next.prints(/succeeded, exit code 0/);
  next.child.kill('SIGTERM');
  t.is((await next.child).exitCode, 0);
  t.is(starts(here), 1);
  t.true(existsSync(join(here.stateDir, 'runs', here.runId()!, 'result.json')));
});

test('a daemon that ends during a docker call leaves it to the next one, and nothing is done twice', async t => {
  const here = place(t);
  const after = { ...worker(), dependsOn: ['worker'] };
  await abandoned(here, { agents: { worker: worker(), after } });
  const env = fakeDocker(here, { create: 'sleep 5; exec "$real" "$@"' });
  const first = daemon(t, here, { env });
  await first.prints(/resumed: 2 of 2 agents to go/);
  go(here);
  await eventually(
    () =>
      here
        .journal()
        .some(event => event.type === 'docker.call' && event.agent === 'after' && event.argv[1] === 'create'),
    'the second create',
  );
  first.child.kill('SIGTERM');
  t.is((await first.child).exitCode, 0, first.output());
  t.regex(first.output(), /detached: its agents live on/);
  const { exitCode, stderr } = await here.agentFlow(['daemon', '--once']);
  t.is(exitCode, 0, stderr);
  t.regex(stderr, /resumed: 1 of 2 agents to go/);
  t.is(starts(here), 2);
  t.deepEqual(await here.containers(), []);
});
