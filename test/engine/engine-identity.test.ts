import { existsSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  countedWorker,
  eventually,
  fakeDocker,
  hasBegun,
  killed,
  type Place,
  place,
  starts,
} from './flow.ts';

const worker = countedWorker('echo hello; until [ -e go ]; do sleep 0.1; done');

/** A run whose supervisor is dead and whose agent keeps running. */
const interrupted = (here: Place, env: NodeJS.ProcessEnv = here.env) =>
  killed(here, { agents: { worker } }, hasBegun(here, 'worker'), { env });

const runFile = (here: Place) => join(here.stateDir, 'runs', here.runId()!, 'run.json');
const recorded = (here: Place) => JSON.parse(readFileSync(runFile(here), 'utf8')).hosts[0].engine;

const nowhere = (here: Place) => ({ DOCKER_HOST: `unix://${join(here.path, 'nowhere.sock')}` });

/** A docker with another engine behind every address: it returns that engine's id, and records every other call. */
function another(here: Place, replies: Readonly<Record<string, string>> = {}) {
  const touched = join(here.path, 'touched');
  const verbs = ['ps', 'rm', 'stop', 'kill', 'create', 'start', 'exec', 'logs', 'cp', 'events', 'wait'];
  const note = `printf '%s\\n' "$*" >>'${touched}'; exit 1`;
  const env = fakeDocker(here, {
    info: `"$real" "$@" | sed 's/"ID":"[^"]*"/"ID":"ANOTHER-ENGINE"/'; exit 0`,
    ...Object.fromEntries(['container', 'network', 'image', ...verbs].map(verb => [verb, note])),
    ...replies,
  });
  return { env, touched: () => (existsSync(touched) ? readFileSync(touched, 'utf8') : '') };
}

async function endsWell(t: ExecutionContext, here: Place, env: NodeJS.ProcessEnv) {
  writeFileSync(join(here.workspace, 'go'), '');
  const { exitCode, stderr, json } = await here.agentFlow(['resume', '--json'], { env });
  t.is(exitCode, 0, stderr);
  t.is(json.agents.worker.attempts.length, 1);
  t.is(starts(here), 1);
  t.deepEqual(await here.containers(), []);
}

for (const [whose, leads] of [
  ['a DOCKER_HOST without an engine', nowhere],
  ['a context that does not exist', () => ({ DOCKER_CONTEXT: 'there-is-none' })],
  ['a HOME and a configuration of its own', (here: Place) => ({ HOME: here.path, DOCKER_CONFIG: here.path })],
] as const)
  test(`from a shell with ${whose} every command acts on the engine that the run is on`, async t => {
    const here = place(t);
    const runId = await interrupted(here);
    const env = { ...here.env, ...leads(here) };
    const logs = await here.agentFlow(['logs', 'worker'], { env });
    t.is(logs.exitCode, 0, logs.stderr);
    t.regex(logs.stdout, /hello/);
    const sent = await here.agentFlow(['send', 'worker', 'hello'], { env });
    t.is(sent.exitCode, 0, sent.stderr);
    const stopped = await here.agentFlow(['stop', runId], { env });
    t.is(stopped.exitCode, 0, stopped.stderr);
    t.deepEqual(await here.containers(), []);
    t.is(starts(here), 1);
  });

test('an engine that has moved to another address is recognized by its id', async t => {
  const here = place(t);
  const socket = join(here.path, 'docker.sock');
  symlinkSync('/var/run/docker.sock', socket);
  await interrupted(here, { ...here.env, DOCKER_HOST: `unix://${socket}` });
  t.deepEqual(recorded(here).address, { host: `unix://${socket}`, env: { DOCKER_HOST: `unix://${socket}` } });
  unlinkSync(socket);
  await endsWell(t, here, here.env);
  t.not(recorded(here).address.host, `unix://${socket}`, 'the next command uses its new address');
});

test('another engine is only asked for its id', async t => {
  const here = place(t);
  const runId = await interrupted(here);
  const { id } = recorded(here);
  const { env, touched } = another(here);
  for (const args of [
    ['resume'],
    ['resume', '--all'],
    ['stop'],
    ['stop', 'worker'],
    ['logs', 'worker'],
    ['send', 'worker', 'hello'],
  ]) {
    const { exitCode, stderr } = await here.agentFlow(args, { env });
    t.is(exitCode, 3, `${args.join(' ')}: ${stderr}`);
    t.true(stderr.includes(`run ${runId} is on the Docker engine ${id} at `), stderr);
    t.true(/the engine at \S+ is ANOTHER-ENGINE/.test(stderr), stderr);
    t.true(stderr.includes(`agent-flow resume --new-engine ${runId}`), stderr);
  }
  t.is(touched(), '');
  t.is((await here.containers(['status=running'])).length, 1);
  await endsWell(t, here, here.env);
});

test('cleanup also checks the engines of the runs and names those it did not find', async t => {
  const here = place(t);
  const runId = await interrupted(here);
  const { env } = another(here, { ps: 'exit 0', network: 'exit 0' });
  const { exitCode, stderr } = await here.agentFlow(['cleanup'], { env });
  t.is(exitCode, 3, stderr);
  t.regex(stderr, /removed 0 containers/);
  t.true(stderr.includes(`run ${runId} is on the Docker engine ${recorded(here).id} at `), stderr);
  t.is((await here.containers(['status=running'])).length, 1);
  const found = await here.agentFlow(['cleanup', '--json']);
  t.is(found.exitCode, 0, found.stderr);
  t.is(found.json.removed.length, 1);
  t.deepEqual(await here.containers(), []);
});

test('resume --new-engine continues a run whose engine no longer exists on another one', async t => {
  const here = place(t);
  const runId = await interrupted(here);
  const file = JSON.parse(readFileSync(runFile(here), 'utf8'));
  const { engine, ...host } = file.hosts[0];
  const { id } = engine;
  const hosts = [{ ...host, engine: { ...engine, id: 'IS-GONE' } }];
  writeFileSync(runFile(here), JSON.stringify({ ...file, hosts }));
  const refused = await here.agentFlow(['resume']);
  t.is(refused.exitCode, 3);
  t.regex(refused.stderr, new RegExp(`is on the Docker engine IS-GONE at .* is ${id}`));
  writeFileSync(join(here.workspace, 'go'), '');
  const { exitCode, stderr } = await here.agentFlow(['resume', '--new-engine', runId]);
  t.is(exitCode, 0, stderr);
  t.is(recorded(here).id, id);
});

test('a run that finds another engine at its address ends and starts nothing there', async t => {
  const here = place(t);
  const isReplaced = join(here.path, 'replaced');
  const where = (reply: string) => `[ ! -e '${isReplaced}' ] || { ${reply}; }`;
  const gone = where(`echo 'Error: No such container' >&2; exit 1`);
  const env = fakeDocker(here, {
    info: where(`"$real" "$@" | sed 's/"ID":"[^"]*"/"ID":"ANOTHER-ENGINE"/'; exit 0`),
    ps: where('exit 0'),
    events: `${where('exit 1')}; "$real" "$@" & while [ ! -e '${isReplaced}' ]; do sleep 0.2; done; kill $!; exit 1`,
    container: gone,
    create: where(`touch '${here.path}/created'; exit 1`),
  });
  const spec = { agents: { worker: { ...worker, retries: 1 } } };
  const run = here.start(['run', here.write(spec)], { env });
  await eventually(hasBegun(here, 'worker'), 'a running agent');
  writeFileSync(isReplaced, '');
  const { exitCode, stderr } = await run;
  t.is(exitCode, 3, String(stderr));
  t.regex(String(stderr), /and now ANOTHER-ENGINE\S* answers in its place/);
  t.false(existsSync(join(here.path, 'created')));
  t.is((await here.containers(['status=running'])).length, 1);
  await endsWell(t, here, here.env);
});
