import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { eventually, type Place, place, small } from './flow.ts';

const agent = (more: object = {}) => ({ command: ['true'], workspace: { mode: 'none' }, ...small, ...more });

/** `deploy` runs only with the approval `go`, which waits for nothing. */
const spec = (approve: object = {}) => ({
  name: 'approvals',
  concurrency: 1,
  agents: {
    go: { approve: { prompt: 'Merge?', ...approve } },
    deploy: agent({ dependsOn: ['go'] }),
    work: agent(),
  },
});

const isWaiting = (here: Place) =>
  here.journal().some(event => event.type === 'agent.state' && event.state === 'awaitingApproval');

async function untilWaiting(here: Place) {
  while (!isWaiting(here)) await delay(50);
  return here.runId()!;
}

const decisions = (here: Place) => here.journal().filter(({ type }) => type === 'approval.decided');

test('an approval that is given lets its dependants run, and is in every report', async t => {
  const here = place(t);
  const running = here.run(spec(), ['--junit', 'junit.xml']);
  const runId = await untilWaiting(here);
  const given = await here.agentFlow(['approve', runId, 'go', '-m', 'all green']);
  t.is(given.exitCode, 0, given.stderr);
  t.regex(given.stderr, /is approved by .+@.+: all green/);
  const { exitCode, json, stderr } = await running;
  t.is(exitCode, 0, stderr);
  t.like(json.agents.go, { status: 'succeeded', attempts: [], containerId: null });
  t.like(json.agents.go.approval, { decision: 'approved', source: 'user', reason: 'all green' });
  t.is(json.agents.deploy.status, 'succeeded');
  t.true(stderr.includes(`waiting for approval: Merge? agent-flow approve ${runId} go (or reject`), stderr);
  t.regex(readFileSync(join(here.path, 'junit.xml'), 'utf8'), /name="decision" value="approved by/);

  const late = await here.agentFlow(['reject', `${runId}/go`]);
  t.is(late.exitCode, 2);
  t.regex(late.stderr, /is already approved by/);
  t.is(decisions(here).length, 1);
});

test('an approval that is rejected fails, and its dependants are skipped', async t => {
  const here = place(t);
  const running = here.run(spec());
  const runId = await untilWaiting(here);
  const other = await here.agentFlow(['approve', runId, 'work']);
  t.is(other.exitCode, 2);
  t.regex(other.stderr, /work is not an approval/);
  t.is((await here.agentFlow(['reject', runId, 'go'])).exitCode, 0);
  const { exitCode, json, stderr } = await running;
  t.is(exitCode, 1, stderr);
  t.like(json.agents.go, { status: 'failed', error: { kind: 'rejected', phase: 'awaitingApproval' } });
  t.is(json.agents.deploy.status, 'skipped');
  t.is(json.agents.work.status, 'succeeded', 'it ran while the approval was waiting');
});

test('the default applies after the timeout, and --yes approves at once', async t => {
  const timedOut = place(t);
  const { json } = await timedOut.run(spec({ timeout: '1s', default: 'approve' }));
  t.like(json.agents.go.approval, { source: 'timeout', reason: 'no decision within 1s' });
  t.is(json.agents.deploy.status, 'succeeded');
  const granted = place(t);
  const result = await granted.run(spec(), ['--yes']);
  t.is(result.exitCode, 0, result.stderr);
  t.like(result.json.agents.go.approval, { source: 'option', reason: 'run --yes' });
  t.false(isWaiting(granted));
});

test('a run that is killed while it waits takes the decision that was made in between', async t => {
  const here = place(t);
  const first = here.start(['run', here.write(spec())]);
  const runId = await untilWaiting(here);
  first.kill('SIGKILL');
  await first;
  const [requested] = here.journal().filter(({ type }) => type === 'approval.requested');
  const given = await here.agentFlow(['approve', runId, 'go']);
  t.is(given.exitCode, 0, given.stderr);
  t.regex(given.stderr, /has no supervisor/);
  await here.agentFlow(['reject', runId, 'go']);
  const { exitCode, json, stderr } = await here.agentFlow(['resume', runId, '--json']);
  t.is(exitCode, 0, stderr);
  t.like(json.agents.go.approval, { decision: 'approved', source: 'user' });
  t.is(json.agents.deploy.status, 'succeeded');
  t.deepEqual(
    here.journal().filter(({ type }) => type === 'approval.requested'),
    [requested],
  );
  t.is(decisions(here).length, 1);
});

test('a run that is stopped while it waits is cancelled', async t => {
  const here = place(t);
  const running = here.run(spec());
  const runId = await untilWaiting(here);
  const stopped = await here.agentFlow(['stop', `${runId}/go`]);
  t.is(stopped.exitCode, 0, stopped.stderr);
  const { exitCode, json } = await running;
  t.is(exitCode, 1);
  t.is(json.agents.go.status, 'cancelled');
  t.is(json.agents.deploy.status, 'skipped');
});

/** `deploy` needs the approval `go` of `work`, and fails as long as there is no file `fixed`; `page` is for a rejection. */
const chain = {
  name: 'chain',
  agents: {
    work: agent(),
    go: { approve: { prompt: 'Deploy?' }, dependsOn: ['work'] },
    deploy: { command: ['test', '-e', 'fixed'], ...small, workspace: 'workspace', dependsOn: ['go'] },
    page: agent({
      command: ['sh', '-c', 'test "$1" = failed', 'sh', '${agents.go.status}'],
      when: "agents.go.status == 'failed' && agents.go.kind == 'rejected'",
    }),
  },
};

/** Return the run that is not one of these, once its approval waits. */
async function nextWaiting(here: Place, ...known: readonly string[]) {
  const waits = (runId: string) => {
    const file = join(here.stateDir, 'runs', runId, 'journal.jsonl');
    return existsSync(file) && readFileSync(file, 'utf8').includes('"type":"approval.requested"');
  };
  const find = () => readdirSync(join(here.stateDir, 'runs')).find(id => !known.includes(id) && waits(id));
  return eventually(() => find() ?? null, 'an approval of the new run');
}

test('a rerun asks a rejected approval again, and reuses one that was approved', async t => {
  const here = place(t);
  const running = here.run(chain);
  const first = await untilWaiting(here);
  await here.agentFlow(['reject', first, 'go']);
  const rejected = await running;
  t.is(rejected.json.agents.deploy.status, 'skipped');
  t.is(rejected.json.agents.page.status, 'succeeded', rejected.stderr);

  const again = here.agentFlow(['rerun', first, '--json']);
  const second = await nextWaiting(here, first);
  await here.agentFlow(['approve', second, 'go', '-m', 'now']);
  const approved = await again;
  t.is(approved.exitCode, 1, approved.stderr);
  t.is(approved.json.agents.work.reused, first);
  t.is(approved.json.agents.go.reused, undefined);
  t.is(approved.json.agents.deploy.status, 'failed');
  t.is(approved.json.agents.page.status, 'skipped');

  writeFileSync(join(here.workspace, 'fixed'), '');
  const { exitCode, json, stderr } = await here.agentFlow(['rerun', second, '--json']);
  t.is(exitCode, 0, stderr);
  t.like(json.agents.go, { status: 'succeeded', reused: second, attempts: [] });
  t.deepEqual(json.agents.go.approval, approved.json.agents.go.approval);
  t.is(json.agents.deploy.status, 'succeeded');
  t.regex(stderr, /go +succeeded, reused/);

  const last = here.agentFlow(['rerun', json.runId, '--from', 'go', '--json']);
  const third = await nextWaiting(here, first, second, json.runId);
  await here.agentFlow(['approve', third, 'go']);
  const { json: end } = await last;
  t.is(end.agents.work.reused, first);
  t.is(end.agents.go.reused, undefined);
  t.like(end.agents.deploy, { status: 'succeeded', exitCode: 0 });
});

test('a run of selected agents waits for the approvals that they need', async t => {
  const here = place(t);
  writeFileSync(join(here.workspace, 'fixed'), '');
  const { exitCode, json, stderr } = await here.run(chain, ['--only', 'deploy', '--yes']);
  t.is(exitCode, 0, stderr);
  t.deepEqual(Object.keys(json.agents), ['work', 'go', 'deploy']);
  t.like(json.agents.go.approval, { source: 'option' });
  const alone = await here.run(spec(), ['--only', 'go']);
  t.is(alone.exitCode, 2);
  t.regex(alone.stderr, /--only needs at least one agent beside approvals/);
});
