import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
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

const untilGo = 'until [ -e go ]; do sleep 0.1; done; echo output';
const docker = async (...args: string[]) => (await execa('docker', args, { reject: false })).stdout;
const instanceOf = (here: Place) => readFileSync(join(here.stateDir, 'instance'), 'utf8').trim();

/** Kill the supervisor of a run as soon as its agent runs, and remove its run directory. */
async function orphaned(here: Place, spec: unknown, forget = ['']) {
  const runId = await killed(here, spec, hasBegun(here, 'worker'));
  for (const name of forget) rmSync(join(here.stateDir, 'runs', runId, name), { recursive: true });
  return runId;
}

/** Return the output of ps; on a busy machine Docker may need longer than ps waits for it. */
const ps = (here: Place, ...args: string[]) =>
  eventually(async () => {
    const result = await here.agentFlow(['ps', ...args]);
    return result.stderr.includes('orphans are not listed') ? null : result;
  }, 'a list with the orphans');

/** A container that was never started, with forged labels. */
async function forged(t: ExecutionContext, labels: Readonly<Record<string, string>>, ...more: string[]) {
  const flags = Object.entries({ 'tmux-agents': 'true', ...labels }).map(
    ([key, value]) => `--label=${key}=${value}`,
  );
  const id = await docker('create', ...flags, ...more, 'debian:bookworm-slim', 'sleep', '300');
  t.teardown(() => docker('rm', '--force', '--volumes', id));
  t.is(id.length, 64);
  return id;
}

/** An id of a run that does not exist. */
const newId = () => `r${Math.random().toString(36).slice(2, 9).padEnd(7, '0')}`;
const wellFormed = (here: Place, more: object = {}) => ({
  'tmux-agents.instance': instanceOf(here),
  'tmux-agents.run-id': 'r0000000',
  'tmux-agents.agent': 'worker',
  'tmux-agents.attempt': '1',
  'tmux-agents.spec-hash': '0'.repeat(32),
  ...more,
});

test('ps shows an orphan, and resume --adopt brings it to its original outcome', async t => {
  const here = place(t);
  const runId = await orphaned(here, {
    agents: { worker: countedWorker(`${untilGo}; exit 7`, { retries: 2 }) },
  });
  const [id] = await here.containers();
  const shown = await ps(here);
  t.regex(
    shown.stdout,
    new RegExp(`^${runId}/worker +orphan, running +.+ ago +1 +${id!.slice(0, 12)}$`, 'm'),
  );
  t.regex(shown.stderr, /run agent-flow resume --adopt to adopt orphans/);
  const [row] = (await ps(here, '--json')).json;
  t.like(row, { run: runId, agent: 'worker', state: 'orphan', attempt: 1, containerId: id, exitCode: null });
  t.is(row.orphan.origin, 'ours');

  const adopting = here.start(['resume', '--adopt', '--json']);
  await eventually(isRunning(here, 'worker'), 'the adopted agent');
  t.deepEqual(
    (await ps(here, '--json')).json.map((row: { state: string }) => row.state),
    ['running.working'],
  );
  writeFileSync(join(here.workspace, 'go'), '');
  const { exitCode, stdout, stderr } = await adopting;
  t.is(exitCode, 1, String(stderr));
  t.regex(String(stderr), new RegExp(`adopted run ${runId}`));
  t.regex(String(stderr), /its record was lost, and was recreated from container/);
  const json = JSON.parse(String(stdout));
  t.is(json.runId, runId);
  t.is(json.agents.worker.exitCode, 7);
  t.is(json.agents.worker.error.kind, 'exit');
  t.is(json.agents.worker.attempts.length, 1);
  t.true(here.transcript('worker').includes('output'));
  t.is(starts(here), 1);
  t.deepEqual(await here.containers(), []);
  t.is((await here.agentFlow(['resume', '--adopt'])).stderr, 'no orphans to adopt');
});

test('an orphan that has ended is collected, and its own end record decides', async t => {
  const here = place(t);
  // For Docker alone, 137 is a kill from outside.
  const runId = await orphaned(here, { agents: { worker: countedWorker(`${untilGo}; exit 137`) } });
  writeFileSync(join(here.workspace, 'go'), '');
  await eventually(
    async () => (await here.containers(['status=exited'])).length === 1,
    'the end of the container',
  );
  const { json, exitCode } = await here.agentFlow(['resume', runId, '--adopt', '--json']);
  t.is(exitCode, 1);
  t.is(json.agents.worker.exitCode, 137);
  t.not(json.agents.worker.error.kind, 'infrastructure');
  t.true(here.transcript('worker').includes('output'));
  t.deepEqual(await here.containers(), []);
});

test('an agent that has lost only its journal is adopted too, and the rest of its record is kept aside', async t => {
  const here = place(t);
  const runId = await orphaned(here, { agents: { worker: countedWorker(untilGo) } }, ['journal.jsonl']);
  writeFileSync(join(here.workspace, 'go'), '');
  const { exitCode } = await here.agentFlow(['resume', '--adopt']);
  t.is(exitCode, 0);
  t.is(starts(here), 1);
  t.true(readdirSync(join(here.stateDir, 'runs', runId)).includes('run.json.lost'));
  t.deepEqual(await here.containers(), []);
});

test('an adopted agent that is removed by hand is lost and never started again', async t => {
  const here = place(t);
  await orphaned(here, { agents: { worker: countedWorker('sleep 300', { retries: 3 }) } });
  const [id] = await here.containers();
  const adopting = here.start(['resume', '--adopt', '--json']);
  await eventually(isRunning(here, 'worker'), 'the adopted agent');
  adopting.kill('SIGKILL');
  await adopting;
  await docker('rm', '-f', id!);
  const { exitCode, json } = await here.agentFlow(['resume', '--json']);
  t.is(exitCode, 3);
  t.is(json.agents.worker.error.kind, 'infrastructure');
  t.is(json.agents.worker.attempts.length, 1);
  t.is(starts(here), 1);
});

test('a container that was created and never started is removed, not adopted', async t => {
  const here = place(t);
  await here.agentFlow(['ps']);
  const runId = newId();
  const name = `tmux-agent-${runId}-worker-1`;
  const id = await forged(t, wellFormed(here, { 'tmux-agents.run-id': runId }), `--name=${name}`);
  const { exitCode, stderr } = await here.agentFlow(['resume', '--adopt']);
  t.is(exitCode, 0, stderr);
  t.regex(stderr, new RegExp(`removed ${name}, which was never started`));
  t.deepEqual(await here.containers(), []);
  t.is(await docker('ps', '-aq', `--filter=id=${id}`), '');
  t.deepEqual(readdirSync(join(here.stateDir, 'runs')), []);
});

test('containers of another state directory, made by hand or with invalid labels are not adopted', async t => {
  const here = place(t);
  await here.agentFlow(['ps']);
  const hostile = '../../\u001b[31mescaped';
  const foreign = await forged(t, wellFormed(here, { 'tmux-agents.instance': 'f'.repeat(16) }));
  const byHand = await forged(t, {});
  const malformed = [
    await forged(t, wellFormed(here, { 'tmux-agents.run-id': hostile })),
    await forged(t, wellFormed(here, { 'tmux-agents.agent': hostile })),
    await forged(t, wellFormed(here, { 'tmux-agents.attempt': '../1' })),
    await forged(t, wellFormed(here, { 'tmux-agents.run-id': '' })),
    await forged(t, wellFormed(here, { 'tmux-agents.spec-hash': 'x' })),
    // Valid labels on a container of another name: an image may bring them along.
    await forged(t, wellFormed(here)),
  ];
  const others = [foreign, byHand, await forged(t, { 'tmux-agents.instance': hostile })];
  const before = await docker('container', 'inspect', ...malformed, ...others);

  const { exitCode, stderr } = await here.agentFlow(['resume', '--adopt']);
  t.is(exitCode, 0, stderr);
  t.is(stderr, 'no orphans to adopt');
  t.is(await docker('container', 'inspect', ...malformed, ...others), before);
  t.deepEqual(readdirSync(join(here.stateDir, 'runs')), []);
  t.deepEqual(readdirSync(here.path).sort(), ['bin', 'docker-calls', 'state', 'workspace']);

  // ps lists those that claim to be ours; the others with --all.
  const rows: {
    containerId: string;
    run: string | null;
    agent: string | null;
    orphan: { origin: string };
  }[] = (await ps(here, '--json')).json;
  t.deepEqual(rows.map(row => row.containerId).sort(), malformed.toSorted());
  t.true(rows.every(row => row.run === null && row.agent === null && row.orphan.origin === 'malformed'));
  const all: typeof rows = (await ps(here, '--all', '--json')).json;
  const origin = (id: string) => all.find(row => row.containerId === id)?.orphan.origin;
  t.deepEqual(others.map(origin), ['another', 'by hand', 'malformed']);
  const { stdout } = await ps(here, '--all');
  t.regex(stdout, /orphan, created by hand, created/);
  t.regex(stdout, /orphan, of another state directory, created/);
  t.regex(stdout, /orphan, tmux-agents\.run-id is not a valid run id, created/);
  t.false(stdout.includes('\u001b'));
  t.false(stdout.includes('escaped'));
});

test('a container with our labels but without our environment is skipped and reported', async t => {
  const here = place(t);
  await here.agentFlow(['ps']);
  const runId = newId();
  const name = `tmux-agent-${runId}-worker-1`;
  const id = await forged(t, wellFormed(here, { 'tmux-agents.run-id': runId }), `--name=${name}`);
  await docker('start', id);
  const { exitCode, stderr } = await here.agentFlow(['resume', '--adopt']);
  t.is(exitCode, 1);
  t.regex(stderr, new RegExp(`skipped ${name}: it has no AGENT_NONCE. Run agent-flow cleanup`));
  t.deepEqual(await here.containers(['status=running']), [id]);
  t.deepEqual(readdirSync(join(here.stateDir, 'runs')), []);
});

test('cleanup removes the orphans of this state directory, however malformed, and no others', async t => {
  const here = place(t);
  await orphaned(here, { agents: { worker: countedWorker('sleep 300') } });
  const malformed = [
    await forged(t, wellFormed(here, { 'tmux-agents.run-id': '../../\u001b[31mescaped' })),
    await forged(t, wellFormed(here, { 'tmux-agents.attempt': '', 'tmux-agents.agent': '' })),
  ];
  const foreign = await forged(t, wellFormed(here, { 'tmux-agents.instance': 'f'.repeat(16) }));
  const outside = readdirSync(here.path);
  const { exitCode, json, stderr } = await here.agentFlow([
    'cleanup',
    '--json',
    '--runs',
    '--older-than',
    '0s',
  ]);
  t.is(exitCode, 0, stderr);
  t.is(json.removed.length, 3);
  t.true(malformed.every(id => json.removed.includes(id)));
  t.false(stderr.includes('\u001b'));
  t.deepEqual(await here.containers(), []);
  t.is(await docker('ps', '-aq', '--no-trunc', `--filter=id=${foreign}`), foreign);
  t.deepEqual(readdirSync(here.path), outside);
});

test('ps reports an unresponsive Docker on one line and shows the journals', async t => {
  const here = place(t);
  await here.run({ agents: { worker: countedWorker('true') } });
  // The test would end a ps that waits for it, long before it replies.
  const env = fakeDocker(here, { ps: 'exec sleep 3600' });
  const { exitCode, stdout, stderr } = await here.agentFlow(['ps', '--all'], { env });
  t.is(exitCode, 0);
  t.regex(stdout, new RegExp(`^${here.runId()}/worker +succeeded`, 'm'));
  t.regex(stderr, /^orphans are not listed: Docker did not respond within 2 s$/);
  const without = await here.agentFlow(['ps', '--all', '--json'], {
    env: { ...here.env, DOCKER_HOST: 'unix:///nowhere.sock' },
  });
  t.is(without.exitCode, 0);
  t.is(without.json.length, 1);
  t.regex(without.stderr, /^orphans are not listed: .*nowhere\.sock.*$/);
});

test('an earlier kept attempt keeps its transcript when its run is adopted', async t => {
  const here = place(t);
  const spec = {
    agents: {
      worker: countedWorker(
        'echo "try $(wc -l < starts)"; [ "$(wc -l < starts)" -gt 1 ] && sleep 300; exit 1',
        {
          keep: 'on-failure',
          retries: 1,
        },
      ),
    },
  };
  const engine = here.start(['run', here.write(spec)]);
  await eventually(
    () =>
      here
        .journal()
        .some(
          event => event.type === 'agent.state' && event.attempt === 2 && event.state.startsWith('running'),
        ),
    'the second attempt',
  );
  engine.kill('SIGKILL');
  await engine;
  const runId = here.runId()!;
  t.is((await here.containers()).length, 2);
  rmSync(join(here.stateDir, 'runs', runId), { recursive: true });
  const adopting = here.start(['resume', '--adopt']);
  await eventually(isRunning(here, 'worker'), 'the adopted agent');
  adopting.kill('SIGINT');
  t.is((await adopting).exitCode, 130);
  t.regex(here.transcript('worker', 1), /try 1/);
  t.regex(here.transcript('worker', 2), /try 2/);
  t.deepEqual(await here.containers(), []);
  t.true(existsSync(join(here.stateDir, 'runs', runId, 'result.json')));
});
