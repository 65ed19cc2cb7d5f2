import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { eventually, isRunning, type Place, place, small } from './flow.ts';

/** Never found by chance, with characters that every encoding represents differently. */
const byEnv = 'canary/by+env?Zq7d81kx=&"';
const byFile = 'canary-by-file-é-93hfq0x2\nsecond line of 93hfq0x2';

const disguises = (secret: string) => {
  const bytes = Buffer.from(secret);
  return [
    secret,
    secret.replaceAll('\n', '\r\n'),
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    bytes.toString('base64'),
    bytes.toString('base64url').replaceAll('=', ''),
    Buffer.from(`u:${secret}`).toString('base64').slice(4, -4),
  ].map(text => Buffer.from(text));
};

const all = [byEnv, byFile].flatMap(disguises);
const seen = (bytes: Buffer | string) =>
  all.filter(canary => Buffer.from(bytes).includes(canary)).map(String);

/** The agent prints its secrets in every way, also in pieces, and fails with them. */
const blab = `
  printf '%s\\n' "$CANARY_ENV" "$CANARY_FILE"
  printf %s "$CANARY_ENV" | base64 -w0; echo
  printf %s "$CANARY_FILE" | base64; echo
  printf 'u:%s' "$CANARY_ENV" | base64
  node -p 'encodeURIComponent(process.env.CANARY_ENV) + JSON.stringify(process.env)'
  node -e 'const s = process.env.CANARY_ENV; process.stdout.write(s.slice(0, 9)); setTimeout(() => process.stdout.write(s.slice(9) + "\\n"), 700)'
  sleep 2
  exit 3
`;

function specOf(here: Place) {
  writeFileSync(join(here.path, 'key'), `${byFile}\n`);
  return here.write({
    agents: {
      a: {
        command: ['sh', '-c', blab],
        workspace: 'workspace',
        secrets: ['CANARY_ENV', { name: 'CANARY_FILE', file: 'key' }],
        ...small,
      },
    },
  });
}

/** An environment without redaction. */
const unredacted = { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'no-redaction.ts')}` };

/** List every file below a folder that contains a canary, in any disguise. */
const leaks = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    name => statSync(join(folder, name)).isFile() && seen(readFileSync(join(folder, name))).length > 0,
  );

/** Poll the process list that everybody on the machine may see. */
function watchProcesses(t: ExecutionContext) {
  const found = new Set<string>();
  let looks = 0;
  let isOver = false;
  const look = async () => {
    while (!isOver) {
      const { stdout } = await execa('ps', ['-eo', 'args'], { reject: false, maxBuffer: 32 * 2 ** 20 });
      for (const line of stdout.split('\n')) for (const canary of seen(line)) found.add(canary);
      looks++;
    }
  };
  const done = look();
  t.teardown(() => {
    isOver = true;
  });
  return async () => {
    isOver = true;
    await done;
    return { found: [...found], looks };
  };
}

test('a secret that the agent prints in every way is nowhere that is kept, shown or listed', async t => {
  const here = place(t);
  const processes = watchProcesses(t);
  const env = { ...here.env, CANARY_ENV: byEnv };
  const junit = join(here.path, 'state', 'junit.xml');
  const run = here.start(
    [
      'run',
      '--json',
      '--keep',
      '--events',
      join(here.path, 'state', 'events'),
      '--junit',
      junit,
      specOf(here),
    ],
    { env },
  );
  await eventually(isRunning(here, 'a'), 'the agent');
  const logs = await here.agentFlow(['logs', '--follow', '--raw', 'a'], { env });
  const { exitCode, stdout, stderr } = await run;
  t.is(exitCode, 1, String(stderr));
  t.is(JSON.parse(String(stdout)).agents.a.exitCode, 3);
  t.deepEqual(seen(String(stdout)), []);
  t.deepEqual(seen(String(stderr)), []);
  t.deepEqual(seen(logs.stdout), []);
  t.deepEqual(leaks(here.stateDir), []);
  const transcript = here.transcript('a');
  t.true((transcript.match(/\[secret\]/g) ?? []).length >= 8, transcript);

  const { found, looks } = await processes();
  t.deepEqual(found, []);
  t.true(looks > 5);

  const [id] = await here.containers();
  const { stdout: inspected } = await execa('docker', ['container', 'inspect', id!], { timeout: 60_000 });
  t.deepEqual(seen(inspected), []);
  // The agent had it: Docker keeps this output as long as the container exists.
  const { stdout: output } = await execa('docker', ['logs', id!], { timeout: 60_000, encoding: 'buffer' });
  t.true(seen(Buffer.from(output)).length >= 4);
});

test('control: without redaction the canaries are found', async t => {
  const here = place(t);
  const env = {
    ...here.env,
    CANARY_ENV: byEnv,
    ...unredacted,
  };
  const { exitCode, stderr } = await here.agentFlow(['run', specOf(here)], { env });
  t.is(exitCode, 1, stderr);
  t.deepEqual(leaks(here.stateDir), [join('runs', here.runId()!, 'agents', 'a', '1', 'transcript.log')]);
});

const files = (here: Place, text: string) =>
  readdirSync(here.stateDir, { recursive: true, encoding: 'utf8' })
    .filter(name => statSync(join(here.stateDir, name)).isFile())
    .filter(name => readFileSync(join(here.stateDir, name)).includes(text));
const transcripts = (here: Place, ...agents: string[]) =>
  agents.map(agent => join('runs', here.runId()!, 'agents', agent, '1', 'transcript.log'));

/**
 * A supervisor that lacks a secret resumes the run of one that had it, and a secret file is renewed meanwhile.
 * `more`: variables for every process that could redact.
 */
async function withoutThem(t: ExecutionContext, more: NodeJS.ProcessEnv = {}) {
  const here = place(t);
  const [token, old, renewed] = ['canary-token-5e1f0c', 'canary-old-77aa31', 'canary-renewed-d02b9e'];
  writeFileSync(join(here.path, 'key'), old);
  const say = 'echo "it is $TOKEN"';
  const spec = here.write({
    agents: {
      a: {
        command: ['sh', '-c', `${say}; until [ -e go ]; do sleep 0.1; done; ${say}`],
        secrets: ['TOKEN'],
        workspace: 'workspace',
        ...small,
      },
      b: {
        command: ['sh', '-c', say],
        secrets: [{ name: 'TOKEN', file: 'key' }],
        workspace: 'workspace',
        dependsOn: ['a'],
        ...small,
      },
    },
  });
  const env = { ...here.env, ...more };
  const run = here.start(['run', spec], { env: { ...env, TOKEN: token } });
  await eventually(isRunning(here, 'a'), 'the agent');
  run.kill('SIGKILL');
  await run;
  writeFileSync(join(here.path, 'key'), renewed);

  const logs = await eventually(async () => {
    const result = await here.agentFlow(['logs', 'a'], { env });
    return /it is \S+/.test(result.stdout) && result.stdout;
  }, 'the output of the agent');
  const [id] = await here.containers();
  const { stdout: inspected } = await execa('docker', ['container', 'inspect', id!], { timeout: 60_000 });
  const key = JSON.parse(inspected)[0].Config.Labels['tmux-agents.seal'] as string;
  const resumed = here.start(['resume', '--json'], { env });
  const follows = here.start(['logs', '--follow', 'a'], { env });
  writeFileSync(join(here.workspace, 'go'), '');
  const [{ exitCode, stdout, stderr }, followed] = await Promise.all([resumed, follows]);
  t.is(exitCode, 0, String(stderr));
  const shown = [logs, inspected, stdout, stderr, followed.stdout].join('\n');
  const found = [token, old, renewed].filter(value => shown.includes(value) || files(here, value).length > 0);
  return { here, token, renewed, key, shown, found };
}

test('a process without the secrets redacts those of the earlier one, and a renewed file', async t => {
  const { here, key, found } = await withoutThem(t);
  t.deepEqual(found, []);
  t.is(here.transcript('a').match(/it is \[secret\]/g)?.length, 2);
  t.regex(here.transcript('b'), /it is \[secret\]/);
  // The sealed values beside the transcript need the key, which only the container had.
  t.regex(key, /^[0-9a-f]{64}$/);
  t.deepEqual(files(here, key), []);
  t.deepEqual(await here.containers(), []);
});

test('control: without redaction, a process without the secrets keeps and shows them', async t => {
  const { here, token, renewed, shown, found } = await withoutThem(t, unredacted);
  t.deepEqual(found, [token, renewed]);
  t.deepEqual(files(here, token), transcripts(here, 'a'));
  t.deepEqual(files(here, renewed), transcripts(here, 'b'));
  t.true(shown.includes(token));
});

test('output whose secrets are unknown stays in its container until a process has them', async t => {
  const here = place(t);
  const token = 'canary-lost-81b0d3';
  const command = ['sh', '-c', 'echo "it is $TOKEN"; until [ -e go ]; do sleep 0.1; done'];
  const a = { command, secrets: ['TOKEN'], workspace: 'workspace', ...small };
  const env = { ...here.env, TOKEN: token };
  const run = here.start(['run', here.write({ agents: { a } })], { env });
  await eventually(isRunning(here, 'a'), 'the agent');
  run.kill('SIGKILL');
  await run;
  rmSync(join(here.stateDir, 'runs', here.runId()!, 'agents', 'a', '1', 'secrets.sealed'));
  const logs = await here.agentFlow(['logs', 'a']);
  t.is(logs.exitCode, 3);
  t.regex(logs.stderr, /cannot print the output of a: .*secrets\.sealed is missing/);

  writeFileSync(join(here.workspace, 'go'), '');
  const without = await here.agentFlow(['resume']);
  t.is(without.exitCode, 3, without.stderr);
  t.regex(without.stderr, /cannot continue: .*secret TOKEN is not set/);
  t.deepEqual(files(here, token), []);
  t.is((await here.containers()).length, 1);

  const { exitCode, stderr } = await here.agentFlow(['resume'], { env });
  t.is(exitCode, 0, stderr);
  t.regex(here.transcript('a'), /it is \[secret\]/);
  t.deepEqual(files(here, token), []);
  t.deepEqual(await here.containers(), []);
});

test('a missing secret is reported before anything starts', async t => {
  const here = place(t);
  const { exitCode, stderr } = await here.agentFlow(['run', specOf(here)]);
  t.is(exitCode, 2);
  t.regex(stderr, /agents\.a\.secrets\[0\]: secret CANARY_ENV is not set; set CANARY_ENV in the environment/);
  t.is(here.runId(), null);
});

test('resume without its secrets names them, and nothing is lost', async t => {
  const here = place(t);
  const spec = here.write({
    agents: {
      first: { command: ['sleep', '8'], workspace: 'workspace', ...small },
      second: {
        command: ['sh', '-c', 'test "$CANARY_ENV" = "$WANTED"'],
        env: { WANTED: 'a-long-enough-one' },
        workspace: 'workspace',
        secrets: ['CANARY_ENV'],
        dependsOn: ['first'],
        ...small,
      },
    },
  });
  const env = { ...here.env, CANARY_ENV: 'a-long-enough-one' };
  const run = here.start(['run', spec], { env });
  await eventually(isRunning(here, 'first'), 'the first agent');
  run.kill('SIGKILL');
  await run;

  const without = await here.agentFlow(['resume']);
  t.is(without.exitCode, 3, without.stderr);
  t.regex(without.stderr, /second\s+waiting for a secret/);
  t.regex(without.stderr, /cannot continue: secret CANARY_ENV is not set.*agent-flow resume/);
  const { stdout } = await here.agentFlow(['ps']);
  t.regex(stdout, /second\s+waiting for a secret, no engine/);

  const { exitCode, stderr } = await here.agentFlow(['resume'], { env });
  t.is(exitCode, 0, stderr);
  const starts = here
    .journal()
    .filter(event => event.type === 'docker.call' && event.agent === 'first' && event.argv[1] === 'start');
  t.is(starts.length, 1);
  t.deepEqual(await here.containers(), []);
});
