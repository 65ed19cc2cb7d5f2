import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { RunEvent } from '../../src/events.ts';
import { eventually, fakeDocker, type Place, place, small } from './flow.ts';

/** Several runs that one process drives: `resume --all`, and the daemon. */

/** Its agent runs until a file of this name exists in the workspace. */
const waitsFor = (name: string, more = '') => ({
  name,
  agents: {
    worker: {
      command: ['sh', '-c', `trap "" INT TERM HUP; until [ -e ${name} ]; do sleep 0.1; done; ${more}`],
      workspace: 'workspace',
      ...small,
    },
  },
});
const go = (here: Place, name: string) => writeFileSync(join(here.workspace, name), '');

const folderOf = (here: Place, runId: string) => join(here.stateDir, 'runs', runId);
const runsOf = (here: Place) => {
  try {
    return readdirSync(join(here.stateDir, 'runs'));
  } catch {
    return [];
  }
};

function journalOf(here: Place, runId: string): RunEvent[] {
  try {
    const lines = readFileSync(join(folderOf(here, runId), 'journal.jsonl'), 'utf8')
      .split('\n')
      .slice(0, -1);
    return lines.map(line => JSON.parse(line));
  } catch {
    return [];
  }
}

/** One run for each name, whose supervisor was killed while its agent runs. */
async function abandoned<Name extends string>(here: Place, names: readonly Name[], more = '') {
  const ids = {} as Record<Name, string>;
  for (const name of names) {
    const before = runsOf(here);
    const file = join(here.path, `${name}.json`);
    writeFileSync(file, JSON.stringify(waitsFor(name, more)));
    const engine = here.start(['run', file]);
    ids[name] = await eventually(
      () => runsOf(here).find(id => !before.includes(id) && isRunning(here, id)),
      name,
    );
    engine.kill('SIGKILL');
    await engine;
  }
  return ids;
}

const isRunning = (here: Place, runId: string) =>
  journalOf(here, runId).some(event => event.type === 'agent.state' && event.state.startsWith('running'));

const isResumed = (here: Place, runId: string) =>
  journalOf(here, runId).filter(event => event.type === 'run.started').length > 1;
const hasEnded = (here: Place, runId: string) =>
  journalOf(here, runId).some(({ type }) => type === 'run.ended');
const resumed = (here: Place, ids: readonly string[]) =>
  eventually(() => ids.every(id => isResumed(here, id)), 'all runs resumed');

/** Resume them; the process ends with the test. */
function resumeAll(t: ExecutionContext, here: Place, args: readonly string[] = [], env = here.env) {
  const engine = here.start(['resume', '--all', ...args], { env });
  t.teardown(async () => {
    engine.kill('SIGKILL');
    await engine;
  });
  return engine;
}

test('a signal reaches all runs, also after one of them has finished', async t => {
  const here = place(t);
  const { a, b, c } = await abandoned(here, ['a', 'b', 'c']);
  const engine = resumeAll(t, here);
  await resumed(here, [a, b, c]);
  go(here, 'a');
  await eventually(() => hasEnded(here, a), 'the end of one run');
  t.is((await here.containers()).length, 2);
  engine.kill('SIGINT');
  const { exitCode, stderr } = await engine;
  t.is(exitCode, 130, String(stderr));
  t.deepEqual(await here.containers(), []);
  for (const id of [b, c]) {
    t.true(hasEnded(here, id), 'each is ended by the one signal');
    t.is(journalOf(here, id).filter(({ type }) => type === 'run.cancel').length, 1);
  }
  t.regex(String(stderr), new RegExp(`^${b} .*worker`, 'm'), 'each line begins with its run');
  t.notRegex(String(stderr), /MaxListeners/);
});

test('the second signal removes all runs at once', async t => {
  const here = place(t);
  const { a, b } = await abandoned(here, ['a', 'b']);
  const engine = resumeAll(t, here);
  await resumed(here, [a, b]);
  engine.kill('SIGINT');
  await eventually(
    () => [a, b].every(id => journalOf(here, id).some(({ type }) => type === 'run.cancel')),
    'the cancel of both',
  );
  engine.kill('SIGTERM');
  t.is((await engine).exitCode, 130);
  t.deepEqual(await here.containers(), []);
});

test('resume --all exits with the largest exit code, and an unreadable run does not block the others', async t => {
  const here = place(t);
  const { a, b, c } = await abandoned(here, ['a', 'b', 'c'], 'exit 7');
  writeFileSync(join(folderOf(here, a), 'run.json'), '{"version":1,');
  renameSync(join(folderOf(here, b), 'journal.jsonl'), join(folderOf(here, b), 'aside'));
  mkdirSync(join(folderOf(here, b), 'journal.jsonl'));
  go(here, 'c');
  const { exitCode, stderr } = await here.agentFlow(['resume', '--all']);
  t.is(exitCode, 3, stderr);
  t.regex(stderr, new RegExp(`^agent-flow: ${a}: .*run.json cannot be read`, 'm'));
  t.regex(stderr, new RegExp(`^agent-flow: ${b}: .*journal.jsonl is not a regular file`, 'm'));
  t.true(hasEnded(here, c));
  const { stderr: listed, exitCode: code } = await here.agentFlow(['ps', '--all']);
  t.is(code, 0);
  t.regex(listed, new RegExp(`skipped run ${b}, which cannot be read`));
});

test('a run whose directory is removed ends by itself, and the others continue', async t => {
  const here = place(t);
  const { a, b } = await abandoned(here, ['a', 'b']);
  const engine = resumeAll(t, here);
  await resumed(here, [a, b]);
  rmSync(folderOf(here, a), { recursive: true });
  let output = '';
  engine.stderr!.on('data', chunk => {
    output += chunk;
  });
  await eventually(() => output.includes('was removed while its agents run'), 'the report of the removal');
  t.is((await here.containers(['status=running'])).length, 2);
  go(here, 'b');
  const { exitCode } = await engine;
  t.is(exitCode, 3, output);
  t.true(hasEnded(here, b));
  t.is((await here.containers()).length, 1, 'the container without a record is still running');
});

/** Unreachable for the first caller. */
const unreachableForOne = (here: Place) =>
  fakeDocker(here, {
    info: `if mkdir '${here.path}/once' 2>/dev/null; then echo 'Cannot connect to the Docker daemon' >&2; exit 1; fi`,
  });

test('an unreachable Docker engine of one run does not block the others, and that run is not reported as removed', async t => {
  const here = place(t);
  const { a, b } = await abandoned(here, ['a', 'b']);
  const engine = resumeAll(t, here, [], unreachableForOne(here));
  const fine = await eventually(() => [a, b].find(id => isResumed(here, id)), 'the other run');
  engine.kill('SIGINT');
  const { exitCode, stderr } = await engine;
  t.is(exitCode, 3, String(stderr));
  t.true(hasEnded(here, fine));
  t.regex(String(stderr), new RegExp(`^agent-flow: ${fine === a ? b : a}: .*Cannot connect`, 'm'));
  t.is((await here.containers()).length, 1);
});

test('the daemon drives the other runs while one waits for its Docker engine', async t => {
  const here = place(t);
  const { a, b } = await abandoned(here, ['a', 'b']);
  const engine = here.start(['daemon'], { env: unreachableForOne(here) });
  t.teardown(async () => {
    engine.kill('SIGKILL');
    await engine;
  });
  await eventually(() => isResumed(here, a) !== isResumed(here, b), 'the other run');
  await resumed(here, [a, b]);
  for (const name of ['a', 'b']) go(here, name);
  await eventually(() => [a, b].every(id => hasEnded(here, id)), 'the end of both');
  engine.kill('SIGTERM');
  const { exitCode, stderr } = await engine;
  t.is(exitCode, 0, String(stderr));
  t.is(String(stderr).match(/runs wait for the Docker engine/g)?.length, 1);
});
