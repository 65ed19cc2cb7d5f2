import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { dockerCli } from '../../../src/docker/cli.ts';
import { containers } from '../../../src/docker/containers.ts';
import { maxLogBytes, maxOutputBytes, maxStderrBytes } from '../../../src/docker/output.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { followLines, readOutput } from '../../../src/docker/stream.ts';
import { fakeDocker, isAlive, until } from '../_helpers/fake-docker.ts';

const docker = dockerCli(nullRecorder);
const zeros = (bytes: number) => `head -c ${bytes} /dev/zero | tr '\\0' x`;

test.serial('endless output is cut off, fails the call, and leaves no process behind', async t => {
  const { pid } = fakeDocker(t, 'echo $$ >>"$here/pid"; exec yes');
  const result = await docker(['exec', 'c', 'tmux']);
  t.like(result, { ok: false, exitCode: null, interrupted: 'overflow' });
  t.is(Buffer.byteLength(result.stdout), maxOutputBytes);
  t.true(await until(() => !isAlive(pid())));
});

test.serial('an output of the maximum length is whole, and one byte more fails', async t => {
  fakeDocker(t, zeros(1_000));
  t.like(await docker(['version'], { maxBytes: 1_000 }), { ok: true, stdout: 'x'.repeat(1_000) });
  const result = await docker(['version'], { maxBytes: 999 });
  t.like(result, {
    ok: false,
    interrupted: 'overflow',
    stderr: 'docker printed more than 999 bytes and was cut off',
  });
});

test.serial('the end of a long stderr is kept, and its length does not fail the call', async t => {
  fakeDocker(t, `{ ${zeros(20_000_000)}; echo; echo last; } >&2; echo out`);
  const result = await docker(['pull']);
  t.like(result, { ok: true, stdout: 'out\n' });
  t.true(result.stderr.length < maxStderrBytes + 100 && result.stderr.endsWith('\nlast\n'));
});

test.serial('a log may be of any length: its end is kept', async t => {
  fakeDocker(t, `${zeros(20_000_000)}; echo last; exit 3`);
  const result = await docker(['build'], { isLog: true });
  t.like(result, { ok: false, exitCode: 3, interrupted: null });
  t.true(result.stdout.length < maxLogBytes + 100 && result.stdout.endsWith('last\n'));
  t.regex(result.stdout, /^\[\d+ bytes before this were left out\]\n/);
});

test.serial('endless lines are followed up to the limit', async t => {
  const { pid } = fakeDocker(t, 'echo $$ >>"$here/pid"; exec yes');
  let count = 0;
  const end = await followLines(nullRecorder, ['exec', 'c', 'tail'], () => count++, { maxBytes: 10_000 });
  t.like(end, { ok: false, interrupted: 'overflow' });
  t.true(count <= 5_001);
  t.true(await until(() => !isAlive(pid())));
});

test.serial('the limit of followed output includes stderr', async t => {
  fakeDocker(t, 'exec yes >&2');
  const end = await followLines(nullRecorder, ['exec', 'c', 'tail'], () => {}, { maxBytes: 10_000 });
  t.like(end, { ok: false, interrupted: 'overflow', stderr: '' });
});

test.serial('a file of any length is read up to the limit', async t => {
  fakeDocker(t, 'exec cat /dev/zero');
  const { ok, interrupted, stdout } = await readOutput(nullRecorder, ['cp'], 4_096, { timeout: 0 });
  t.deepEqual([ok, interrupted, stdout.length], [false, 'overflow', 4_096]);
});

test.serial('containers are inspected one by one if the output for all is too long', async t => {
  const ids = ['a', 'b', 'c', 'd', 'e'];
  const state = `"State":{"Status":"exited","ExitCode":0,"OOMKilled":false,"StartedAt":"","FinishedAt":""}`;
  fakeDocker(
    t,
    `shift 2; printf '['
    for id; do
      [ "$id" = "$1" ] || printf ,
      printf '{"Id":"%s","Name":"n","Created":"",${state},"Image":"","Config":{"Image":"","Labels":{"l":"' "$id"
      ${zeros(6_000_000)}; printf '"}}}'
    done; printf ']'`,
  );
  t.deepEqual(
    (await containers(docker).inspect(ids)).map(({ id }) => id),
    ids,
  );
});

/** Program that makes the call and prints its peak memory in bytes, which must not grow with the output. */
const program = (call: string) => {
  const source = (name: string) => JSON.stringify(join(import.meta.dirname, '../../../src/docker', name));
  return `import { dockerCli } from ${source('cli.ts')};
    import { nullRecorder } from ${source('recorder.ts')};
    import { readOutput, followLines, pipeOutput, saveOutput } from ${source('stream.ts')};
    import { Writable } from 'node:stream';
    let most = 0;
    setInterval(() => { most = Math.max(most, process.memoryUsage.rss()); }, 20).unref();
    const call = () => ${call};
    const { ok } = await call();
    console.log(JSON.stringify({ ok, most: Math.max(most, process.memoryUsage.rss()) }));
    process.exit();`;
};

for (const [what, call, script] of [
  ['an endless line', "followLines(nullRecorder, ['logs', 'c'], () => {})", zeros(550_000_000)],
  ['endless lines', "followLines(nullRecorder, ['logs', 'c'], () => {})", 'yes | head -c 20000000'],
  ['an endless stderr', "dockerCli(nullRecorder)(['logs', 'c'])", `${zeros(150_000_000)} >&2`],
  [
    'an endless stderr beside a transcript',
    "saveOutput(nullRecorder, ['logs', 'c'], '/dev/null', { timeout: 0 })",
    `${zeros(150_000_000)} >&2`,
  ],
  ['an endless log', "dockerCli(nullRecorder)(['build'], { isLog: true })", zeros(150_000_000)],
] as const)
  test.serial(`${what} does not increase memory`, async t => {
    fakeDocker(t, `if [ -e "$here/flood" ]; then ${script}; fi`);
    const run = async () => {
      const { stdout } = await execa(process.execPath, ['--input-type=module', '-e', program(call)]);
      return JSON.parse(stdout) as { ok: boolean; most: number };
    };
    const baseline = await run();
    await execa('touch', [join(process.env.PATH!.split(':')[0]!, 'flood')]);
    const flooded = await run();
    t.true(baseline.ok && flooded.ok);
    t.true(flooded.most < 2 * baseline.most, `${flooded.most} bytes after ${baseline.most}`);
  });
