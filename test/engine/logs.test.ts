import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { bin, eventually, fakeDocker, isRunning, type Place, place, small } from './flow.ts';

const agent = (command: string, more: object = {}) => ({
  command: ['sh', '-c', command],
  workspace: 'workspace',
  ...small,
  ...more,
});

/** Returns as soon as the agent runs. */
async function started(here: Place, command: string, more: object = {}) {
  const run = here.start(['run', here.write({ agents: { worker: agent(command, more) } }), '--json']);
  await eventually(isRunning(here, 'worker'), 'a running agent');
  // An object, because the run is a promise of its end.
  return { run };
}

test('logs prints the last lines of a running agent, also long ones, with --since, --raw and --json', async t => {
  const here = place(t);
  const { run } = await started(
    here,
    "printf 'early\\n'; until [ -e go ]; do sleep 0.1; done; printf '\\033[1mbold\\033[0m\\n'; " +
      "head -c 50000 /dev/zero | tr '\\0' x; printf '\\nlast\\n'; until [ -e end ]; do sleep 0.1; done",
    { keep: 'always' },
  );
  const logs = async (...args: string[]) => (await here.agentFlow(['logs', 'worker', ...args])).stdout;
  await eventually(async () => /^early$/m.test(await logs()), 'the first line');
  const between = new Date().toISOString();
  writeFileSync(join(here.workspace, 'go'), '');
  await eventually(async () => (await logs('--tail', '1')) === 'last', 'the last line');

  const long = 'x'.repeat(50_000);
  t.is(await logs('--tail', '2'), `${long}\nlast`);
  t.is(await logs('--tail', '3'), `bold\n${long}\nlast`);
  t.is(await logs('--tail', '0'), '');
  t.is(await logs('--since', between), `bold\n${long}\nlast`);
  t.is(await logs('--since', '1h', '--tail', '1'), 'last');
  t.is(await logs('--since', '2035-01-01'), '');
  t.is(await logs('--raw', '--tail', '3'), `\x1b[1mbold\x1b[0m\r\n${long}\r\nlast`);
  const json = await here.agentFlow(['logs', 'worker', '--json', '--tail', '3']);
  t.deepEqual(json.json, {
    agent: 'worker',
    runId: here.runId(),
    attempt: 1,
    lines: ['bold', long, 'last'],
  });

  writeFileSync(join(here.workspace, 'end'), '');
  t.is((await run).exitCode, 0);
  t.is(await logs('--tail', '2'), `${long}\nlast`);
  // The container was kept, so Docker still has the times; they are lost with it.
  t.is(await logs('--since', between), `bold\n${long}\nlast`);
  t.is((await here.agentFlow(['cleanup'])).exitCode, 0);
  const late = await here.agentFlow(['logs', 'worker', '--since', '10m']);
  t.is(late.exitCode, 2);
  t.regex(late.stderr, /--since requires the container of attempt 1, which is gone/);
});

test('logs -f --raw streams bytes, follows an agent that has not started, and leaves nothing behind', async t => {
  const here = place(t);
  const held = join(here.path, 'held');
  const env = fakeDocker(here, { start: `while [ ! -e '${held}' ]; do sleep 0.1; done; exec "$real" "$@"` });
  const temporary = join(here.path, 'bin');
  const command = "printf 'a\\rb\\033[7m\\303\\274\\n'; until [ -e go ]; do sleep 0.1; done; printf 'end'";
  const run = here.start(['run', here.write({ agents: { worker: agent(command) } })], { env });
  await eventually(
    () => here.journal().some(event => event.type === 'agent.state' && event.state === 'starting'),
    'an agent that starts',
  );
  const follow = here.start(['logs', '-f', '--raw', 'worker'], {
    encoding: 'buffer',
    env: { ...here.env, TMPDIR: temporary },
  });
  let seen = '';
  follow.stdout!.on('data', data => (seen += Buffer.from(data).toString('latin1')));
  writeFileSync(held, '');
  await eventually(() => seen.includes('a\rb\x1b[7m\xc3\xbc\r'), 'the first bytes');
  t.deepEqual(readdirSync(temporary), ['docker']);
  writeFileSync(join(here.workspace, 'go'), '');
  t.is((await follow).exitCode, 0);
  t.true(seen.endsWith('a\rb\x1b[7m\xc3\xbc\r\nend'), JSON.stringify(seen.slice(-100)));
  t.is((await run).exitCode, 0);
  const kept = await here.agentFlow(['logs', '--raw', 'worker'], { encoding: 'latin1' });
  t.is(kept.stdout, seen);
});

test('logs -f exits when its output is closed', async t => {
  const here = place(t);
  const run = here.start([
    'run',
    here.write({ agents: { worker: agent('while :; do echo line; sleep 0.1; done') } }),
  ]);
  await eventually(isRunning(here, 'worker'), 'a running agent');
  const { stdout, stderr, exitCode } = await execa(
    'bash',
    ['-o', 'pipefail', '-c', `'${process.execPath}' '${bin}' logs -f worker | head -1`],
    { env: here.env, reject: false, timeout: 300_000 },
  );
  t.is(exitCode, 0, stderr);
  t.is(stdout.split('\n').length, 1);
  t.is(stderr, '');
  run.kill('SIGINT');
  await run;
});

test('logs of an earlier attempt are available during the next one, and an unreachable engine is reported', async t => {
  const here = place(t);
  const { run } = await started(
    here,
    'echo try >>tries; echo attempt $(wc -l <tries); [ "$(wc -l <tries)" -ge 2 ] || exit 1; sleep 300',
    { retries: 1 },
  );
  const logs = (...args: string[]) => here.agentFlow(['logs', 'worker', ...args]);
  await eventually(async () => /attempt 2/.test((await logs()).stdout), 'the second attempt');
  t.regex((await logs('--attempt', '1')).stdout, /^attempt 1$/m);
  t.notRegex((await logs('--attempt', '1')).stdout, /attempt 2/);
  const follow = await logs('--attempt', '1', '-f', '--tail', '1');
  t.is(follow.exitCode, 0);
  t.is(follow.stdout, 'attempt 1');
  t.regex((await logs('--attempt', '3')).stderr, /attempt 3 of worker does not exist\. Found: 1, 2/);

  const env = fakeDocker(here, { logs: 'echo "Cannot connect to the Docker daemon at x" >&2; exit 1' });
  for (const flags of [[], ['-f']]) {
    const away = await here.agentFlow(['logs', 'worker', ...flags], { env });
    t.is(away.exitCode, 3);
    t.regex(away.stderr, /could not read the agent's output: Cannot connect/);
  }
  run.kill('SIGINT');
  await run;
});
