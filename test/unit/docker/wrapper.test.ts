import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { execa } from 'execa';
import { dockerCli } from '../../../src/docker/cli.ts';
import { type CallEnd, nullRecorder } from '../../../src/docker/recorder.ts';
import { followLines, pipeCommands, pipeOutput, readOutput, saveOutput } from '../../../src/docker/stream.ts';
import { fakeDocker, isAlive, until } from '../_helpers/fake-docker.ts';

const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
const args = ['events'];

/** All functions that start docker. */
const starters: Readonly<Record<string, (signal: AbortSignal) => Promise<CallEnd>>> = {
  dockerCli: signal => dockerCli(nullRecorder)(args, { signal }),
  'dockerCli with input': signal => dockerCli(nullRecorder)(args, { signal, input: 'x' }),
  followLines: signal => followLines(nullRecorder, args, () => {}, { signal }),
  saveOutput: signal => saveOutput(nullRecorder, args, '/dev/null', { signal, timeout: 0 }),
  pipeOutput: signal => pipeOutput(nullRecorder, args, nowhere(), { signal, timeout: 0 }),
  pipeCommands: signal => pipeCommands(nullRecorder, args, args, { signal, timeout: 0 }),
  readOutput: signal => readOutput(nullRecorder, args, 1_000, { signal, timeout: 0 }),
};

/** Wrapper scripts named docker. Each starts a process that writes its id to a file and never ends. */
const wrappers: Readonly<Record<string, string>> = {
  'starts the real docker': `sh -c 'echo $$ >>"$1/pid"; exec sleep 600' sh "$here"; echo over`,
  'ignores signals': `trap '' TERM INT HUP QUIT; sh -c 'echo $$ >>"$1/pid"; exec sleep 600' sh "$here"; echo over`,
  'runs a pipeline': `sh -c 'echo $$ >>"$1/pid"; exec sleep 600' sh "$here" | cat; echo over`,
};

for (const [name, call] of Object.entries(starters))
  for (const [what, script] of Object.entries(wrappers))
    test.serial(`${name}: a wrapper script that ${what} is killed with its process group`, async t => {
      const { pid } = fakeDocker(t, script);
      const stop = new AbortController();
      const ended = call(stop.signal);
      t.true(await until(() => isAlive(pid())));
      stop.abort();
      t.like(await ended, { ok: false, exitCode: null, interrupted: 'aborted' });
      t.true(await until(() => !isAlive(pid())));
    });

test.serial('a docker that ignores signals is killed after its timeout', async t => {
  const { pid } = fakeDocker(t, wrappers['ignores signals']!);
  const result = await dockerCli(nullRecorder)(args, { timeout: 2_000 });
  t.like(result, { ok: false, exitCode: null, interrupted: 'timeout' });
  t.true(await until(() => !isAlive(pid())));
});

for (const [what, script] of [
  ['a child', `cat >/dev/null; sh -c 'echo $$ >>"$1/pid"; exec sleep 600' sh "$here" & echo output`],
  // Like the ssh master connection that docker uses for a remote engine.
  [
    'a process in another session',
    `cat >/dev/null; setsid sh -c 'echo $$ >>"$1/pid"; exec sleep 600' sh "$here" & echo output`,
  ],
] as const)
  for (const [name, call] of Object.entries(starters))
    test.serial(`${name}: the call ends when docker exits, although ${what} holds its pipes`, async t => {
      const { pid } = fakeDocker(t, script);
      t.like(await call(new AbortController().signal), { ok: true, exitCode: 0, interrupted: null });
      t.true(await until(() => isAlive(pid()) === (what !== 'a child')));
    });

test.serial('a slow reader gets all output that docker wrote before it exited', async t => {
  fakeDocker(t, `head -c 60000 /dev/zero; sleep 600 & exit 0`);
  let size = 0;
  const slow = new Writable({
    highWaterMark: 1,
    async write(chunk: Buffer, _encoding, done) {
      // Longer than pipes may be silent.
      if (size === 0) await delay(2_500);
      size += chunk.length;
      done();
    },
  });
  t.like(await pipeOutput(nullRecorder, args, slow, { timeout: 0 }), { ok: true, stderr: '' });
  t.is(size, 60_000);
});

test.serial('no docker outlives the process that started it', async t => {
  const source = (name: string) => JSON.stringify(join(import.meta.dirname, '../../../src/docker', name));
  const { here, pid } = fakeDocker(t, wrappers['starts the real docker']!);
  const program = join(here, 'program.mjs');
  writeFileSync(
    program,
    `import { existsSync } from 'node:fs';
    import { dockerCli } from ${source('cli.ts')};
    import { nullRecorder } from ${source('recorder.ts')};
    dockerCli(nullRecorder)(['wait']);
    setInterval(() => existsSync('${here}/pid') && process.exit(7), 20);`,
  );
  t.is((await execa(process.execPath, [program], { reject: false })).exitCode, 7);
  t.true(await until(() => !isAlive(pid())));
});

test.serial('the stderr of a wrapper is not part of the output', async t => {
  fakeDocker(
    t,
    'echo "Emulate Docker CLI using podman. Create /etc/containers/nodocker to quiet msg." >&2; echo id',
  );
  const end = await dockerCli(nullRecorder)(['create']);
  t.like(end, { ok: true, stdout: 'id\n', stderr: '' });
});
