import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { countedWorker, eventually, hasBegun, killed, place, small, starts } from './flow.ts';

test('a run whose supervisor was killed resumes to its original outcome, and no agent starts twice', async t => {
  const here = place(t);
  const spec = {
    agents: {
      first: countedWorker('until [ -e go ]; do sleep 0.1; done; echo output; exit 7', { keep: 'never' }),
      after: { command: ['true'], workspace: 'workspace', ...small, dependsOn: ['first'] },
    },
  };
  const runId = await killed(here, spec, hasBegun(here, 'first'));
  t.is((await here.containers(['status=running'])).length, 1);
  writeFileSync(join(here.workspace, 'go'), '');
  const { exitCode, json, stderr } = await here.agentFlow(['resume', '--json']);
  t.is(exitCode, 1, stderr);
  t.is(json.runId, runId);
  t.is(json.agents.first.exitCode, 7);
  t.is(json.agents.first.attempts.length, 1);
  t.is(json.agents.after.status, 'skipped');
  t.true(here.transcript('first').includes('output'));
  t.is(starts(here), 1);
  t.deepEqual(await here.containers(), []);
  t.regex(stderr, /resumed/);
});

test('an agent that ended without a supervisor is collected with its exit code', async t => {
  const here = place(t);
  await killed(here, { agents: { worker: countedWorker('sleep 1; exit 3') } }, hasBegun(here, 'worker'));
  await eventually(
    async () => (await here.containers(['status=exited'])).length === 1,
    'the end of the container',
  );
  const { exitCode, json } = await here.agentFlow(['resume', '--json']);
  t.is(exitCode, 1);
  t.is(json.agents.worker.exitCode, 3);
  t.is(starts(here), 1);
});

test('a container that was removed by hand is an infrastructure failure, and is retried while retries are left', async t => {
  const here = place(t);
  const spec = {
    agents: { worker: countedWorker('[ "$(wc -l < starts)" -gt 1 ] || sleep 300', { retries: 1 }) },
  };
  await killed(here, spec, hasBegun(here, 'worker'));
  const [id] = await here.containers();
  await execa('docker', ['rm', '-f', id!]);
  const { exitCode, json } = await here.agentFlow(['resume', '--json']);
  t.is(exitCode, 0);
  t.is(json.agents.worker.attempts.length, 2);
  t.is(json.agents.worker.attempts[0].status, 'failed');
  t.is(starts(here), 2);
});

test('resume names the process that drives a run, and the outcome of a finished run', async t => {
  const here = place(t);
  const engine = here.start(['run', here.write({ agents: { worker: countedWorker('sleep 300') } })]);
  await eventually(hasBegun(here, 'worker'), 'a running agent');
  for (const args of [['resume'], ['resume', here.runId()!]]) {
    const refused = await here.agentFlow(args);
    t.is(refused.exitCode, 2);
    t.regex(refused.stderr, new RegExp(`is already being executed by process ${engine.pid} on `));
  }
  const all = await here.agentFlow(['resume', '--all']);
  t.regex(all.stderr, /^nothing to resume: run \S+ is being executed by process \d+ on \S+$/);
  engine.kill('SIGINT');
  await engine;
  const over = await here.agentFlow(['resume', here.runId()!]);
  t.is(over.exitCode, 2);
  t.regex(over.stderr, /has already finished \(cancelled\)/);
  t.is((await here.agentFlow(['resume'])).stderr, 'every run has finished');
});

test('a cancelled run without a supervisor is stopped and removed on resume', async t => {
  const here = place(t);
  const runId = await killed(
    here,
    { agents: { worker: countedWorker('sleep 300') } },
    hasBegun(here, 'worker'),
  );
  const last = here.journal().at(-1)!;
  const cancel = { v: 1, seq: last.seq + 1, at: Date.now(), type: 'run.cancel', reason: 'SIGINT' };
  appendFileSync(
    join(here.stateDir, 'runs', runId, 'journal.jsonl'),
    `${JSON.stringify(cancel)}\n{"v":1,"seq":`,
  );
  const { exitCode, json, stderr } = await here.agentFlow(['resume', '--json']);
  t.is(exitCode, 1);
  t.is(json.agents.worker.status, 'cancelled');
  t.regex(stderr, /the last line is incomplete and was dropped/);
  t.deepEqual(await here.containers(), []);
  const seqs = here.journal().map(({ seq }) => seq);
  t.deepEqual(
    seqs,
    [...new Set(seqs)].sort((a, b) => a - b),
  );
});

test('resume --all resumes every interrupted run', async t => {
  const here = place(t);
  const spec = { agents: { worker: countedWorker('until [ -e go ]; do sleep 0.1; done') } };
  const file = here.write(spec);
  for (const _ of [1, 2]) {
    const engine = here.start(['run', file]);
    const before = (await here.containers(['status=running'])).length;
    await eventually(
      async () => (await here.containers(['status=running'])).length > before,
      'one more container',
    );
    engine.kill('SIGKILL');
    await engine;
  }
  writeFileSync(join(here.workspace, 'go'), '');
  const { exitCode, stdout } = await here.agentFlow(['resume', '--all', '--json']);
  t.is(exitCode, 0);
  t.is(stdout.split('\n').length, 2);
  t.deepEqual(await here.containers(), []);
});
