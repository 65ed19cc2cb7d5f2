import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { RunEvent } from '../../src/events.ts';
import { repository, run } from '../unit/_helpers/repositories.ts';
import { eventually, place, small } from './flow.ts';

/** Four agents in clones, each from the work of the one before. The third fails as long as there is no `marks/fixed`. */
function setUp(t: ExecutionContext) {
  const here = place(t);
  const source = repository(join(here.path, 'source'));
  const marks = join(here.path, 'marks');
  mkdirSync(marks);
  const agent = (name: string, before: string | null, script = 'true') => ({
    command: [
      'sh',
      '-c',
      `echo ${name} >>/marks/starts; echo ${name} >${name}.txt; echo "from ${name}"; ${script}`,
    ],
    ...small,
    workspace: { mode: 'clone', path: 'source', ...(before && { from: before }) },
    ...(before && { dependsOn: [before] }),
    artifacts: [`${name}.txt`],
    mounts: [{ source: 'marks', target: '/marks', readOnly: false }],
  });
  const spec = (third = 'test -e /marks/fixed') => ({
    name: 'chain',
    agents: {
      one: agent('one', null),
      two: agent('two', 'one'),
      three: agent('three', 'two', third),
      four: agent('four', 'three', 'ls'),
    },
  });
  const runs = () => readdirSync(join(here.stateDir, 'runs'));
  return {
    here,
    source,
    spec,
    runs,
    fix: () => writeFileSync(join(marks, 'fixed'), ''),
    /** The agents that were started, in order; begins anew with each call. */
    starts() {
      const file = join(marks, 'starts');
      const names = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
      writeFileSync(file, '');
      return names;
    },
    newestBut: (...known: readonly string[]) => runs().find(id => !known.includes(id)) ?? null,
    journal(runId: string): RunEvent[] {
      const file = join(here.stateDir, 'runs', runId, 'journal.jsonl');
      return existsSync(file)
        ? readFileSync(file, 'utf8')
            .split('\n')
            .slice(0, -1)
            .map(line => JSON.parse(line))
        : [];
    },
    files: (branch: string) => run(source, 'ls-tree', '--name-only', branch).split('\n'),
  };
}

test('a rerun reuses what succeeded, and continues from its branches', async t => {
  const { here, spec, fix, starts, journal, files } = setUp(t);
  const first = await here.run(spec());
  t.is(first.exitCode, 1, first.stderr);
  const old = first.json.runId;
  t.deepEqual(starts(), ['one', 'two', 'three']);

  fix();
  const again = await here.agentFlow(['rerun', old, '--json', '--junit', 'junit.xml']);
  t.is(again.exitCode, 0, again.stderr);
  t.deepEqual(starts(), ['three', 'four']);
  const { runId, rerunOf, agents } = again.json;
  t.not(runId, old);
  t.is(rerunOf, old);
  for (const name of ['one', 'two']) {
    t.like(agents[name], { status: 'succeeded', exitCode: 0, reused: old, containerId: null, attempts: [] });
    t.deepEqual(agents[name].workspace, first.json.agents[name].workspace);
    t.deepEqual(agents[name].artifacts, first.json.agents[name].artifacts);
    t.is(readFileSync(agents[name].artifacts[0], 'utf8'), `${name}\n`);
  }
  t.is(agents.four.reused, undefined);
  t.deepEqual(
    files(agents.four.workspace.branch).filter(name => /^(one|two|three|four)\.txt$/.test(name)),
    ['four.txt', 'one.txt', 'three.txt', 'two.txt'],
  );
  t.is(agents.three.workspace.branch, `agent-flow/${runId}/three`);
  t.regex(again.stderr, new RegExp(`4 agents, at most \\d+ at once, a rerun of ${old}; reused: one, two\\n`));
  t.regex(again.stderr, new RegExp(`reused from run ${old}: one, two\\n`));
  t.regex(again.stderr, /one +succeeded, reused +0 +0 /);
  t.regex(
    readFileSync(join(here.path, 'junit.xml'), 'utf8'),
    new RegExp(`name="reused-from" value="${old}"`),
  );
  const [begin] = journal(runId);
  t.like(begin, { type: 'run.started', rerunOf: old });
  t.false(journal(runId).some(event => 'agent' in event && (event.agent === 'one' || event.agent === 'two')));

  const logs = await here.agentFlow(['logs', `${runId}/one`]);
  t.regex(logs.stdout, /^from one$/m);
  t.regex(logs.stderr, new RegExp(`reused: this is its output in run ${old}`));
  const ps = await here.agentFlow(['ps', '--all', '--json']);
  const row = ps.json.find(
    (agent: { run: string; agent: string }) => agent.run === runId && agent.agent === 'two',
  );
  t.like(row, { state: 'succeeded', reused: old });
  t.deepEqual(await here.containers(), []);
});

test('a rerun can be rerun, and its files are removed together with those that it refers to', async t => {
  const { here, spec, fix, starts, runs } = setUp(t);
  const old = (await here.run(spec())).json.runId;
  fix();
  const { runId } = (await here.agentFlow(['rerun', old, '--failed', '--json'])).json;
  starts();
  const nothing = await here.agentFlow(['rerun', runId]);
  t.is(nothing.exitCode, 2);
  t.regex(nothing.stderr, /nothing of run r\w+ is left to run: .*--from one/);
  const last = await here.agentFlow(['rerun', runId, '--from', 'four', '--json']);
  t.is(last.exitCode, 0, last.stderr);
  t.deepEqual(starts(), ['four']);
  t.is(last.json.agents.one.reused, old);
  t.is(last.json.agents.three.reused, runId);

  // Nothing refers to the files of a run that is removed together with its reruns.
  const ids = runs();
  const removed = await eventually(async () => {
    const cleaned = await here.agentFlow(['cleanup', '--runs', '--older-than', '1s', '--json']);
    t.is(cleaned.exitCode, 0, cleaned.stderr);
    // The last run may have ended less than a second ago: then all of them stay.
    return cleaned.json.runs.removed.length === 0 ? null : cleaned.json.runs.removed;
  }, 'the last run to be old enough');
  t.deepEqual(removed.toSorted(), ids.toSorted());
  t.deepEqual(runs(), []);
  t.deepEqual(await here.containers(), []);
});

test('a rerun from an agent also runs what depends on it, and needs the branches that it continues from', async t => {
  const { here, source, spec, fix, starts, runs } = setUp(t);
  fix();
  const first = await here.run(spec());
  t.is(first.exitCode, 0, first.stderr);
  const old = first.json.runId;
  starts();
  const again = await here.agentFlow(['rerun', old, '--from', 'three', '--json']);
  t.is(again.exitCode, 0, again.stderr);
  t.deepEqual(starts(), ['three', 'four']);

  const unknown = await here.agentFlow(['rerun', old, '--from', 'tree']);
  t.is(unknown.exitCode, 2);
  t.regex(unknown.stderr, /--from: no agent is named "tree"; did you mean three\?/);

  const before = runs();
  const branch = `agent-flow/${old}/two`;
  const { commit } = first.json.agents.two.workspace;
  run(source, 'branch', '--force', branch, 'HEAD');
  const moved = await here.agentFlow(['rerun', old, '--from', 'three']);
  t.is(moved.exitCode, 2, moved.stderr);
  t.regex(
    moved.stderr,
    new RegExp(`branch ${branch} of .* is at \\w{12}, not at ${commit.slice(0, 12)} any more`),
  );
  run(source, 'branch', '--delete', '--force', branch);
  const gone = await here.agentFlow(['rerun', old, '--from', 'three']);
  t.is(gone.exitCode, 2, gone.stderr);
  t.regex(gone.stderr, new RegExp(`branch ${branch} of .* does not exist`));
  t.true(gone.stderr.includes(`git branch --force ${branch} ${commit}`), gone.stderr);
  t.deepEqual(runs(), before, 'nothing was started');
  t.deepEqual(starts(), []);
  // Nothing continues from the branch of `one` if everything runs again.
  run(source, 'branch', '--delete', '--force', `agent-flow/${old}/one`);
  run(source, 'branch', '--force', branch, commit);
  const restored = await here.agentFlow(['rerun', old, '--from', 'four', '--json']);
  t.is(restored.exitCode, 0, restored.stderr);
  t.deepEqual(starts(), ['four']);
});

test('a rerun that is killed and resumed starts no reused agent, and no agent twice', async t => {
  const { here, spec, starts, newestBut, journal, fix, runs } = setUp(t);
  const waits = 'test -e /marks/fixed || exit 1; while [ ! -e /marks/go ]; do sleep 0.1; done';
  const first = await here.run(spec(waits));
  t.is(first.exitCode, 1, first.stderr);
  const old = first.json.runId;
  starts();
  fix();
  const engine = here.start(['rerun', old]);
  const runId = await eventually(() => newestBut(old), 'the new run');
  const isAtWork = () =>
    journal(runId).some(
      event => event.type === 'agent.state' && event.agent === 'three' && event.state.startsWith('running'),
    ) && readFileSync(join(here.path, 'marks', 'starts'), 'utf8').includes('three');
  await eventually(isAtWork, 'the third agent to run');
  const running = await here.agentFlow(['rerun', runId]);
  t.is(running.exitCode, 2);
  t.regex(running.stderr, /is being executed by .*agent-flow stop/);
  // The files of a run stay as long as another one refers to them.
  const cleaned = await here.agentFlow(['cleanup', '--runs', '--older-than', '1s', '--json']);
  t.deepEqual(cleaned.json.runs.removed, [], cleaned.stderr);
  t.regex(cleaned.stderr, new RegExp(`skipped run ${old}: ${runId} reuses its work`));
  t.deepEqual(runs().toSorted(), [old, runId].toSorted());

  engine.kill('SIGKILL');
  await engine;
  const interrupted = await here.agentFlow(['rerun', runId]);
  t.is(interrupted.exitCode, 2);
  t.regex(interrupted.stderr, /was interrupted\. Continue it: agent-flow resume/);
  writeFileSync(join(here.path, 'marks', 'go'), '');
  const resumed = await here.agentFlow(['resume', runId, '--json']);
  t.is(resumed.exitCode, 0, resumed.stderr);
  t.deepEqual(starts(), ['three', 'four']);
  t.is(resumed.json.agents.two.reused, old);
  t.is(resumed.json.rerunOf, old);
  t.deepEqual(await here.containers(), []);
});

test('a run of selected agents has what they depend on, and no more', async t => {
  const { here, spec, starts } = setUp(t);
  const { exitCode, json, stderr } = await here.run(spec(), ['--only', 'two']);
  t.is(exitCode, 0, stderr);
  t.deepEqual(Object.keys(json.agents), ['one', 'two']);
  t.deepEqual(starts(), ['one', 'two']);
  const unknown = await here.run(spec(), ['--only', 'two,tree']);
  t.is(unknown.exitCode, 2);
  t.regex(unknown.stderr, /--only: no agent is named "tree"; did you mean three\?/);
  const plan = await here.agentFlow(['run', here.write(spec()), '--plan', '--json', '--only', 'one']);
  t.is(plan.exitCode, 0, plan.stderr);
  t.deepEqual(
    plan.json.agents.map(({ name }: { name: string }) => name),
    ['one'],
  );
});

test('a rerun in the background needs the secrets of the agents that it starts, and of no other', async t => {
  const { here, runs } = setUp(t);
  const agent = (secret: string, script: string) => ({
    command: ['sh', '-c', script],
    ...small,
    secrets: [secret],
    workspace: 'workspace',
  });
  const spec = { agents: { a: agent('TOKEN_OF_A', 'true'), b: agent('TOKEN_OF_B', 'test -e fixed') } };
  const ofB = { ...here.env, TOKEN_OF_B: 'secret-of-b' };
  const first = await here.run(spec, [], { env: { ...ofB, TOKEN_OF_A: 'secret-of-a' } });
  t.is(first.exitCode, 1, first.stderr);
  const old = first.json.runId;
  const refused = await here.agentFlow(['rerun', old]);
  t.is(refused.exitCode, 2);
  t.regex(refused.stderr, /agents\.b\.secrets\[0\]: secret TOKEN_OF_B is not set/);
  t.false(refused.stderr.includes('TOKEN_OF_A'), refused.stderr);
  t.deepEqual(runs(), [old]);
  writeFileSync(join(here.workspace, 'fixed'), '');
  const { exitCode, stdout } = await here.agentFlow(['rerun', '-d', old], { env: ofB });
  t.is(exitCode, 0);
  const result = join(here.stateDir, 'runs', stdout.trim(), 'result.json');
  await eventually(() => existsSync(result), 'the result of the rerun');
  const { agents } = JSON.parse(readFileSync(result, 'utf8'));
  t.is(agents.a.reused, old);
  t.like(agents.b, { status: 'succeeded', exitCode: 0 });
});
