import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { execa } from 'execa';
import { dockerCli } from '../../../src/docker/cli.ts';
import { type CallEnd, nullRecorder } from '../../../src/docker/recorder.ts';
import { firstBytes, followLines, pipeCommands, pipeOutput, saveOutput } from '../../../src/docker/stream.ts';
import { fakeDocker, isAlive, until } from '../_helpers/fake-docker.ts';

const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
const args = ['events'];

/** Every way to start a docker. */
const ways: Readonly<Record<string, (signal: AbortSignal) => Promise<CallEnd>>> = {
  answered: signal => dockerCli(nullRecorder)(args, { signal }),
  given: signal => dockerCli(nullRecorder)(args, { signal, input: 'x' }),
  followed: signal => followLines(nullRecorder, args, () => {}, { signal }),
  saved: signal => saveOutput(nullRecorder, args, '/dev/null', { signal, timeout: 0 }),
  piped: signal => pipeOutput(nullRecorder, args, nowhere(), { signal, timeout: 0 }),
  'piped on': signal => pipeCommands(nullRecorder, args, args, { signal, timeout: 0 }),
  read: signal => firstBytes(nullRecorder, args, 1_000, { signal, timeout: 0 }),
};

/** Scripts in the place of docker: each starts something that writes down its id and never ends. */
const wrappers: Readonly<Record<string, string>> = {
  'starts the real one': `sh -c 'echo $$ >>"$1/pid"; exec sleep 600' sh "$here"; echo over`,
  'swallows signals': `trap '' TERM INT HUP QUIT; sh -c 'echo $$ >>"$1/pid"; exec sleep 600' sh "$here"; echo over`,
  'has a pipeline': `sh -c 'echo $$ >>"$1/pid"; exec sleep 600' sh "$here" | cat; echo over`,
};

for (const [way, call] of Object.entries(ways))
  for (const [what, script] of Object.entries(wrappers))
    test.serial(
      `a docker that is a script, which ${what}, is killed with its group if it is ${way}`,
      async t => {
        const { pid } = fakeDocker(t, script);
        const stop = new AbortController();
        const ended = call(stop.signal);
        t.true(await until(() => isAlive(pid())));
        stop.abort();
        t.like(await ended, { ok: false, exitCode: null, interrupted: 'aborted' });
        t.true(await until(() => !isAlive(pid())));
      },
    );

test.serial('a docker that ignores signals is cut off after its timeout', async t => {
  const { pid } = fakeDocker(t, wrappers['swallows signals']!);
  const answer = await dockerCli(nullRecorder)(args, { timeout: 2_000 });
  t.like(answer, { ok: false, exitCode: null, interrupted: 'timeout' });
  t.true(await until(() => !isAlive(pid())));
});

for (const [what, script] of [
  ['a child', `cat >/dev/null; sh -c 'echo $$ >>"$1/pid"; exec sleep 600' sh "$here" & echo said`],
  // As the master connection of ssh does, by which docker talks to an engine elsewhere.
  [
    'a process of a session of its own',
    `cat >/dev/null; setsid sh -c 'echo $$ >>"$1/pid"; exec sleep 600' sh "$here" & echo said`,
  ],
] as const)
  for (const [way, call] of Object.entries(ways))
    test.serial(
      `a docker that has ended is waited for no longer, though ${what} holds its pipes: ${way}`,
      async t => {
        const { pid } = fakeDocker(t, script);
        t.like(await call(new AbortController().signal), { ok: true, exitCode: 0, interrupted: null });
        t.true(await until(() => isAlive(pid()) === (what !== 'a child')));
      },
    );

test.serial('output from before the end is read whole by a slow reader', async t => {
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
  const { here, pid } = fakeDocker(t, wrappers['starts the real one']!);
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
  const said = await dockerCli(nullRecorder)(['create']);
  t.like(said, { ok: true, stdout: 'id\n', stderr: '' });
});
