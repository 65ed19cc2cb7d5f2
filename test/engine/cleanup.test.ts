import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { eventually, fakeDocker, isRunning, place, small } from './flow.ts';

const agent = (command: string, more: object = {}) => ({
  command: ['sh', '-c', command],
  workspace: 'workspace',
  ...small,
  ...more,
});

const docker = async (...args: string[]) => (await execa('docker', args, { reject: false })).stdout;

/** An image with these labels, removed after the test. */
async function image(t: ExecutionContext, name: string | null, ...labels: string[]): Promise<string> {
  const args = [
    'build',
    '--quiet',
    ...(name ? [`--tag=${name}`] : []),
    ...labels.map(label => `--label=${label}`),
    '-',
  ];
  const { stdout } = await execa('docker', args, {
    input: `FROM debian:bookworm-slim\nENV ONCE=${Math.random()}`,
  });
  t.teardown(() => execa('docker', ['rmi', '--force', ...(name ? [name] : []), stdout], { reject: false }));
  return stdout;
}

const isThere = async (name: string) =>
  (await execa('docker', ['image', 'inspect', name], { reject: false })).exitCode === 0;

test("cleanup --images removes the images that agent-flow built, but none in use and none of the user's", async t => {
  const here = place(t);
  // The engine is shared, so cleanup sees only the images of this test.
  const mine = `agent-flow-test=${here.path}`;
  const env = fakeDocker(here, { 'image ls': `exec "$real" "$@" '--filter=label=${mine}'` });
  const tag = `t${process.pid}`;
  const layer = await image(t, `tmux-agents-layer:${tag}`, mine, 'tmux-agents.image=layer');
  const used = await image(t, `tmux-agents-build:${tag}`, mine, 'tmux-agents.image=build');
  const nameless = await image(t, null, mine, 'tmux-agents.image=layer');
  const theirs = await image(t, `agent-flow-test-${tag}:latest`, mine, 'tmux-agents.image=base');
  const unlabelled = await image(t, `tmux-agents-layer:${tag}-by-hand`, mine);
  const user = await docker('create', used, 'true');
  t.teardown(() => execa('docker', ['rm', '--force', user], { reject: false }));

  const dry = await here.agentFlow(['cleanup', '--images', '--dry-run', '--json'], { env });
  t.is(dry.exitCode, 0, dry.stderr);
  t.true(dry.json.dryRun);
  t.deepEqual(dry.json.images.removed.toSorted(), [nameless, `tmux-agents-layer:${tag}`].toSorted());
  t.true(await isThere(layer));
  t.true(await isThere(nameless));

  const { json, stderr, exitCode } = await here.agentFlow(['cleanup', '--images', '--json'], { env });
  t.is(exitCode, 0, stderr);
  t.deepEqual(json.images.removed.toSorted(), [nameless, `tmux-agents-layer:${tag}`].toSorted());
  t.regex(stderr, new RegExp(`skipped image tmux-agents-build:${tag}: in use by container \\S+`));
  t.regex(stderr, new RegExp(`skipped image agent-flow-test-${tag}:latest: not built by agent-flow`));
  t.regex(stderr, new RegExp(`^image +tmux-agents-layer:${tag} +layer, `, 'm'));
  t.false(await isThere(layer));
  t.false(await isThere(nameless));
  t.true(await isThere(used));
  t.true(await isThere(theirs));
  t.true(await isThere(unlabelled));
});

test('cleanup --runs removes old finished runs and keeps active, recent and unrelated ones', async t => {
  const here = place(t);
  const old = (await here.run({ agents: { worker: agent('true', { keep: 'always' }) } })).json.runId;
  const runs = join(here.stateDir, 'runs');
  const outside = join(here.path, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'journal.jsonl'), readFileSync(join(runs, old, 'journal.jsonl')));
  symlinkSync(outside, join(runs, 'rsymlink'));
  // A link inside a run is removed, its target is not.
  symlinkSync(outside, join(runs, old, 'link'));
  mkdirSync(join(runs, 'not-a-run'));
  writeFileSync(join(runs, 'not-a-run', 'journal.jsonl'), readFileSync(join(runs, old, 'journal.jsonl')));
  // A killed supervisor leaves a run that is unfinished and not driven.
  const abandoned = join(runs, 'rabandon');
  mkdirSync(abandoned);
  writeFileSync(
    join(abandoned, 'journal.jsonl'),
    readFileSync(join(runs, old, 'journal.jsonl'), 'utf8').replace(/.*"run\.ended".*\n/, ''),
  );
  const run = here.start(['run', here.write({ agents: { alive: agent('touch alive; sleep 300') } })]);
  await eventually(() => existsSync(join(here.workspace, 'alive')), 'a running agent');
  const all = readdirSync(runs).toSorted();

  const young = await here.agentFlow(['cleanup', '--runs', '--older-than', '1d', '--dry-run', '--json']);
  t.is(young.exitCode, 0, young.stderr);
  t.deepEqual(young.json.runs, { removed: [], left: [] });
  const dry = await here.agentFlow(['cleanup', '--runs', '--older-than', '0s', '--dry-run', '--json']);
  t.deepEqual(dry.json.runs.removed, [old]);
  t.is(dry.json.removed.length, 1);
  t.deepEqual(readdirSync(runs).toSorted(), all);
  t.is((await here.containers()).length, 2);

  const env = fakeDocker(here, {
    'rm --force': 'echo "Error response from daemon: device is busy" >&2; exit 1',
  });
  const stuck = await here.agentFlow(['cleanup', '--runs', '--older-than', '0s', '--json'], { env });
  t.is(stuck.exitCode, 3);
  t.deepEqual(stuck.json.runs.removed, []);
  t.regex(stuck.stderr, /could not remove container tmux-agent-\S+: .*device is busy/);

  const { json, stderr, exitCode } = await here.agentFlow([
    'cleanup',
    '--runs',
    '--older-than',
    '0s',
    '--json',
  ]);
  t.is(exitCode, 0, stderr);
  t.deepEqual(json.runs.removed, [old]);
  t.regex(stderr, new RegExp(`^run +${old} +of spec, finished`, 'm'));
  t.regex(stderr, /skipped run rabandon: it has not finished\. Run agent-flow stop rabandon/);
  t.regex(stderr, /skipped run \S+: it is being executed by process \d+ on \S+/);
  t.deepEqual(
    readdirSync(runs).toSorted(),
    all.filter(name => name !== old),
  );
  t.true(existsSync(join(outside, 'journal.jsonl')));
  t.is((await here.containers()).length, 1);
  run.kill('SIGINT');
  await run;
});

test('cleanup --runs requires an age with a unit', async t => {
  const here = place(t);
  for (const [args, message] of [
    [['--runs'], /--runs requires --older-than: agent-flow cleanup --runs --older-than 14d/],
    [['--older-than', '14d'], /--older-than requires --runs/],
    [['--runs', '--older-than', '14'], /--older-than 14 is not a valid duration\. Examples: 14d/],
    [['--runs', '--older-than', '-1d'], /./],
  ] as const) {
    const { exitCode, stderr } = await here.agentFlow(['cleanup', ...args]);
    t.is(exitCode, 2, args.join(' '));
    t.regex(stderr, message);
  }
});

test('cleanup ignores a container that disappears between the list and its removal', async t => {
  const here = place(t);
  await here.run({ agents: { worker: agent('true', { keep: 'always' }) } });
  const [id] = await here.containers();
  const env = fakeDocker(here, { 'rm --force': '"$real" "$@" >/dev/null; exec "$real" "$@"' });
  const { exitCode, json, stderr } = await here.agentFlow(['cleanup', '--json'], { env });
  t.is(exitCode, 0, stderr);
  t.deepEqual(json.removed, [id]);
  t.deepEqual(json.left, []);
});

test('cleanup --dry-run lists without removing', async t => {
  const here = place(t);
  const run = here.start(['run', here.write({ agents: { worker: agent('sleep 300') } }), '--json']);
  await eventually(isRunning(here, 'worker'), 'a running agent');
  const careful = await here.agentFlow(['cleanup', '--dry-run', '--json']);
  t.deepEqual(careful.json.removed, []);
  t.deepEqual(careful.json.inUse, await here.containers());
  const forced = await here.agentFlow(['cleanup', '--dry-run', '--force']);
  t.is(forced.exitCode, 0);
  t.regex(forced.stderr, /^container +tmux-agent-\S+-worker-1 +running, run /m);
  t.regex(forced.stderr, /would remove 1 container$/m);
  t.is((await here.containers(['status=running'])).length, 1);
  run.kill('SIGINT');
  await run;
});
