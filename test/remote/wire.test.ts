import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { RunEvent } from '../../src/events.ts';
import { eventually, fakeDocker, isRunning, type Place } from '../engine/flow.ts';
import { agent, attach, client, stoppedWork } from './client.ts';
import { remoteEngine } from './remote-engine.ts';

const remote = await remoteEngine();
remote.upForTests();

/** A client with a wire of its own. */
async function wiredClient(t: ExecutionContext) {
  const wire = await remote.wire();
  const made = await client(t, remote, wire.env);
  t.teardown(() => wire.restore());
  return { ...made, wire };
}

const events = <T extends RunEvent['type']>(here: Place, type: T) =>
  here.journal().filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);

const ticks = (text: string) => [...text.matchAll(/^tick (\d+)\r?$/gm)].map(([, tick]) => Number(tick));

/** Prints a line now and then, until it may end, and commits how many. */
const ticking =
  'n=0; until [ -e /tmp/go ]; do n=$((n+1)); echo "tick $n"; sleep 0.1; done; echo $n >count; git add .; git commit --quiet -m counted';

for (const [how, title] of [
  ['cut', 'a run goes on after its wire was cut while the agent worked, and misses no line'],
  ['sever', 'a run goes on after its connections were lost while the agent worked, and misses no line'],
] as const)
  test(title, async t => {
    const { here, git, docker, left, start, wire } = await wiredClient(t);
    const run = start(['run', here.write({ agents: { a: agent(ticking) } }), '--json']);
    await eventually(isRunning(here, 'a'), 'a running agent');
    const [id] = await docker('ps', '--quiet', `--filter=label=tmux-agents.run-id=${here.runId()}`);
    const printed = async () => ticks((await docker('logs', id!)).join('\n')).length;
    await eventually(printed, 'a line of the agent');
    wire[how]();
    const before = await printed();
    await eventually(() => events(here, 'engine.unreachable').length > 0, 'an engine that is unreachable');
    // Noticed by the heartbeat: a list would have reported its own timeout, later.
    if (how === 'cut')
      t.like(events(here, 'engine.unreachable')[0], { message: 'no response within 5 s, twice in a row' });
    t.true((await printed()) > before);
    t.deepEqual(events(here, 'engine.reachable'), []);
    wire.restore();
    await eventually(() => events(here, 'engine.reachable').length > 0, 'an engine that is reachable');
    await docker('exec', id!, 'touch', '/tmp/go');
    const { exitCode, stdout, stderr } = await run;
    t.is(exitCode, 0, String(stderr));
    const { attempts, workspace } = JSON.parse(String(stdout)).agents.a;
    t.is(attempts.length, 1);
    t.is(await git('show', '-s', '--format=%s', workspace.branch), 'counted');
    const count = Number(await git('show', `${workspace.branch}:count`));
    t.deepEqual(
      ticks(here.transcript('a')),
      Array.from({ length: count }, (_, index) => index + 1),
    );
    t.deepEqual(await left(), [[], []]);
  });

const branches = async (git: (...args: string[]) => Promise<string>) =>
  (await git('for-each-ref', '--format=%(refname:short)', 'refs/heads/agent-flow')).split('\n');

/** Finished calls that failed. */
const failedCalls = (here: Place) => events(here, 'docker.result').filter(({ ok }) => !ok);

for (const [how, title] of [
  ['cut', 'a repository is sent though the wire is cut in its midst'],
  ['sever', 'a repository is sent again after the connection for it was lost'],
] as const)
  test(title, async t => {
    const { here, repository, git, left, start, wire } = await wiredClient(t);
    writeFileSync(join(repository, 'data'), randomBytes(20 * 2 ** 20));
    await git('add', '.');
    await git('commit', '--quiet', '--message=data');
    const cut = wire.sent(10 * 2 ** 20, how);
    const script = 'wc -c <data >size; git add .; git commit --quiet -m sized';
    const run = start(['run', here.write({ agents: { a: agent(script) } }), '--json']);
    await cut;
    const sending = events(here, 'docker.call').find(({ argv }) => argv[1] === 'cp');
    const sent = () => events(here, 'docker.result').find(({ call }) => call === sending!.call);
    if (how === 'sever') t.false((await eventually(sent, 'the end of the call that sends it')).ok);
    else t.is(sent(), undefined);
    wire.restore();
    const { exitCode, stdout, stderr } = await run;
    t.is(exitCode, 0, String(stderr));
    const { attempts, workspace } = JSON.parse(String(stdout)).agents.a;
    t.is(attempts.length, 1);
    t.deepEqual(await branches(git), [workspace.branch]);
    t.is(await git('rev-list', '--count', `main..${workspace.branch}`), '1');
    t.is(await git('show', `${workspace.branch}:size`), String(20 * 2 ** 20));
    t.deepEqual(await left(), [[], []]);
  });

test('a clone is made again after the connection for it was lost', async t => {
  const { here, git, left, start, wire } = await wiredClient(t);
  // The first helper checks the repository that was sent, the second one makes the clone.
  const env = fakeDocker(here, { 'start --attach': 'echo >>starts; exec "$real" "$@"' });
  const script = 'echo more >file; git add .; git commit --quiet -m more';
  const run = start(['run', here.write({ agents: { a: agent(script) } }), '--json'], { env });
  const helpers = () =>
    existsSync(join(here.path, 'starts')) ? readFileSync(join(here.path, 'starts')).length : 0;
  await eventually(() => helpers() >= 2, 'the helper that makes the clone');
  wire.sever();
  await eventually(() => failedCalls(here).length > 0, 'a call that failed');
  wire.restore();
  const { exitCode, stdout, stderr } = await run;
  t.is(exitCode, 0, String(stderr));
  const { attempts, workspace } = JSON.parse(String(stdout)).agents.a;
  t.is(attempts.length, 1);
  t.deepEqual(await branches(git), [workspace.branch]);
  t.is(await git('rev-list', '--count', `main..${workspace.branch}`), '1');
  t.deepEqual(await left(), [[], []]);
});

test('attach, logs, ps and stop reach an agent on an engine over tcp', async t => {
  const { here, git, left, start } = await wiredClient(t);
  const script = 'echo what is your name; read name; echo "hello $name" | tee greeting; sleep 300';
  const run = start(['run', here.write({ agents: { a: agent(script) } }), '--json']);
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
  const ps = await here.agentFlow(['ps', '--json']);
  t.like(ps.json[0], { agent: 'a', engine: run.pid });
  t.true(ps.json[0].state.startsWith('running'));
  const stopped = await here.agentFlow(['stop']);
  t.is(stopped.exitCode, 0, stopped.stderr);
  t.is((await follow).exitCode, 0);
  const { status, workspace } = JSON.parse(String((await run).stdout)).agents.a;
  t.is(status, 'cancelled');
  t.deepEqual(await left(), [stoppedWork(workspace), []]);
  if (workspace.branch !== null) t.is(await git('show', `${workspace.branch}:greeting`), 'hello Ada');
  t.deepEqual((await here.agentFlow(['ps', '--json'])).json, []);
});

/** Kill the supervisor of an agent that has changed a file, and clean up. Its clone stays. */
async function cleanedUp(t: ExecutionContext) {
  const wired = await wiredClient(t);
  const { here, left, start } = wired;
  const run = start(['run', here.write({ agents: { a: agent('echo more >file; echo begun; sleep 300') } })]);
  await eventually(
    async () => /^begun$/m.test((await here.agentFlow(['logs', 'a'])).stdout),
    'the output of the agent',
  );
  run.kill('SIGKILL');
  await run;
  // The repository that was sent, and the clone. A list can be cut short without a failure.
  await eventually(async () => {
    const [volumes, containers] = await left();
    return volumes.length === 2 && containers.length === 1;
  }, 'two volumes and a container');
  const { exitCode, json, stderr } = await here.agentFlow(['cleanup', '--json']);
  t.is(exitCode, 0, stderr);
  t.is(json.removed.length, 1);
  t.is(json.volumes.length, 1);
  const cleanRuns = () => here.agentFlow(['cleanup', '--runs', '--older-than', '0s', '--json']);
  t.regex((await cleanRuns()).stderr, /it has not finished/);
  return { ...wired, cleanRuns };
}

test('cleanup over tcp leaves the work of a killed run, which resume saves, and then removes its folder', async t => {
  const { here, git, left, cleanRuns } = await cleanedUp(t);
  const { exitCode, json, stderr } = await here.agentFlow(['resume', '--json']);
  t.is(exitCode, 3, stderr);
  t.is(await git('show', `${json.agents.a.workspace.branch}:file`), 'more');
  t.deepEqual(await left(), [[], []]);
  t.is((await cleanRuns()).exitCode, 0);
  t.deepEqual(readdirSync(join(here.stateDir, 'runs')), []);
});

test('stop reports the volume with work that it had no time to save, and cleanup --runs removes it', async t => {
  const { here, left, cleanRuns } = await cleanedUp(t);
  const { exitCode, stderr } = await here.agentFlow(['stop']);
  t.is(exitCode, 0, stderr);
  const [[volume], containers] = await left();
  t.deepEqual(containers, []);
  t.regex(stderr, new RegExp(`^warning: a: .* in the volume ${volume} of the engine$`, 'm'));
  t.is((await cleanRuns()).exitCode, 0);
  t.deepEqual(readdirSync(join(here.stateDir, 'runs')), []);
  t.deepEqual(await left(), [[], []]);
});
