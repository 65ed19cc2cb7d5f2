import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { eventually, isRunning, type Place, place, small } from './flow.ts';

/** Found nowhere by chance, with characters that every encoding spells differently. */
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

/** What the agent does with what it was trusted with: prints it, in every way, also in pieces, and fails with it. */
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

/** Every file below a folder that holds a canary, in any disguise. */
const leaks = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    name => statSync(join(folder, name)).isFile() && seen(readFileSync(join(folder, name))).length > 0,
  );

/** What everybody on the machine may see of processes, looked at again and again. */
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
  // The agent had it all the same: this is what Docker keeps of its output for as long as the container is there.
  const { stdout: output } = await execa('docker', ['logs', id!], { timeout: 60_000, encoding: 'buffer' });
  t.true(seen(Buffer.from(output)).length >= 4);
});

test('a control: with the redaction switched off the canaries are found', async t => {
  const here = place(t);
  const env = {
    ...here.env,
    CANARY_ENV: byEnv,
    NODE_OPTIONS: `--import=${join(import.meta.dirname, 'no-redaction.ts')}`,
  };
  const { exitCode, stderr } = await here.agentFlow(['run', specOf(here)], { env });
  t.is(exitCode, 1, stderr);
  t.deepEqual(leaks(here.stateDir), [join('runs', here.runId()!, 'agents', 'a', '1', 'transcript.log')]);
});

test('a secret that is not there is told before anything is started', async t => {
  const here = place(t);
  const { exitCode, stderr } = await here.agentFlow(['run', specOf(here)]);
  t.is(exitCode, 2);
  t.regex(
    stderr,
    /agents\.a\.secrets\[0\]: the secret CANARY_ENV is not there; set CANARY_ENV in the environment/,
  );
  t.is(here.runId(), null);
});

test('who resumes a run without its secrets is told which, and nothing is lost', async t => {
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
  t.regex(without.stderr, /cannot go on: the secret CANARY_ENV is not there.*agent-flow resume/);
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
