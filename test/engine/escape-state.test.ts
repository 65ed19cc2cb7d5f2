import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { inCell } from './cell.ts';
import { eventually, isRunning, type Place, place, small } from './flow.ts';

/** A file and a directory of the user that no link may lead the supervisor to. */
function setUp(t: ExecutionContext) {
  const here = place(t);
  const mine = join(here.path, 'mine');
  const theirs = join(here.path, 'theirs');
  writeFileSync(mine, 'mine\n');
  mkdirSync(theirs);
  return { here, mine, theirs };
}

/** The script of an agent without its guard: it got the directory that contains the state directory. */
const unguarded = (t: ExecutionContext, { path }: Place, script: string) =>
  inCell(t, script, { workspace: path });

const worker = (script: string) => ({ command: ['sh', '-c', script], workspace: 'workspace', ...small });
const untilGo = 'until [ -e go ]; do sleep 0.1; done; echo this would run on the host';

test('a workspace above or in the state directory is refused with 2, also for a dry run', async t => {
  const { here } = setUp(t);
  const inside = join(here.stateDir, 'runs');
  for (const path of ['.', here.stateDir, inside])
    for (const workspace of [path, { mode: 'copy', path }])
      for (const more of [[], ['--plan']]) {
        const spec = { agents: { a: { command: ['true'], workspace, ...small } } };
        mkdirSync(inside, { recursive: true, mode: 0o700 });
        const { exitCode, stderr } = await here.agentFlow(['run', here.write(spec), ...more]);
        t.is(exitCode, 2, stderr);
        t.regex(stderr, /^agent-flow: agents\.a\.workspace: .* the state directory .*--state-dir$/m);
      }
  t.deepEqual(await here.containers(), []);
});

test('an agent cannot redirect the reports of its run, nor the supervisor by renaming the state directory', async t => {
  const { here, mine, theirs } = setUp(t);
  mkdirSync(join(here.workspace, 'out'));
  const attack = `ln -s ${mine} report.xml; ln -sf ${mine} out/events.jsonl; ln -s ${mine} out/run.html; mv out out.was; ln -s ${theirs} out`;
  const file = here.write({ agents: { a: worker(`${attack}; touch attacked; ${untilGo}`) } });
  const at = (name: string) => join(here.workspace, name);
  const reports = [
    '--junit',
    at('report.xml'),
    '--events',
    at('out/events.jsonl'),
    '--html',
    at('out/run.html'),
  ];
  const run = here.start(['run', file, '--json', ...reports]);
  await eventually(isRunning(here, 'a'), 'the running agent');
  await eventually(() => existsSync(at('attacked')), 'the attack of the agent');
  const runId = here.runId()!;
  const forged = `/workspace/state/runs/${runId}`;
  const { exitCode: moved, stderr: attackStderr } = await unguarded(
    t,
    here,
    `set -e; cd /workspace; mv state moved; mkdir -p ${forged}/agents/a/1
     for name in agents/a/1/transcript.log result.json lock.2 requests; do ln -s ${mine} ${forged}/$name; done; touch workspace/go`,
  );
  t.is(moved, 0, attackStderr);
  const { exitCode, stderr } = await run;
  t.is(exitCode, 0, String(stderr));
  t.is(readFileSync(mine, 'utf8'), 'mine\n');
  t.deepEqual(readdirSync(theirs), []);
  const real = join(here.path, 'moved', 'runs', runId);
  t.regex(
    readFileSync(join(real, 'agents', 'a', '1', 'transcript.log'), 'utf8'),
    /this would run on the host/,
  );
  t.is(JSON.parse(readFileSync(join(real, 'result.json'), 'utf8')).status, 'succeeded');
  t.true(lstatSync(at('report.xml')).isFile());
  t.regex(
    String(stderr),
    /--html .* was not written: .*replaced by another directory/,
    'nothing is read from the other one',
  );

  // The controls: opened without protection, the same names lead to the user's files.
  for (const name of [`state/runs/${runId}/result.json`, `state/runs/${runId}/agents/a/1/transcript.log`]) {
    writeFileSync(join(here.path, name), name);
    t.is(readFileSync(mine, 'utf8'), name);
  }
  t.is(readlinkSync(at('out')), theirs);
  writeFileSync(at('out/run.html'), 'control');
  t.deepEqual(readdirSync(theirs), ['run.html']);
  // Everything of this test is found by its instance id.
  rmSync(here.stateDir, { recursive: true });
  symlinkSync('moved', here.stateDir);
});

test('a link in place of a transcript halts the run, and nothing is lost', async t => {
  const { here, mine } = setUp(t);
  const run = here.start(['run', here.write({ agents: { a: worker(untilGo) } }), '--json']);
  await eventually(isRunning(here, 'a'), 'the running agent');
  const kept = `state/runs/${here.runId()}/agents/a/1`;
  const planted = await unguarded(
    t,
    here,
    `mkdir -p /workspace/${kept} && ln -s ${mine} /workspace/${kept}/transcript.log && touch /workspace/workspace/go`,
  );
  t.is(planted.exitCode, 0, planted.stderr);
  const { exitCode, stderr } = await run;
  t.is(exitCode, 3, String(stderr));
  t.regex(String(stderr), /transcript\.log is a symbolic link, which is never followed/);
  t.is(readFileSync(mine, 'utf8'), 'mine\n');
  writeFileSync(join(here.path, kept, 'transcript.log'), 'the control');
  t.is(readFileSync(mine, 'utf8'), 'the control');

  rmSync(join(here.path, kept, 'transcript.log'));
  const again = await here.agentFlow(['resume', '--json']);
  t.is(again.exitCode, 0, again.stderr);
  t.regex(here.transcript('a'), /this would run on the host/);
});
