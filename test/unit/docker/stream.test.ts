import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { followLines, saveOutput } from '../../../src/docker/stream.ts';

/** Create a `docker` that writes its process id to a file and then runs `script`. */
function docker(t: ExecutionContext, script: string) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-stream-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'docker');
  writeFileSync(file, `#!/bin/sh\necho $$ >'${folder}/pid'\n${script}\n`, { mode: 0o755 });
  const pid = () => {
    try {
      return readFileSync(join(folder, 'pid'), 'utf8').trim();
    } catch {
      return '';
    }
  };
  return { path: `${folder}:${process.env.PATH}`, pid };
}

const isAlive = (pid: string) => {
  try {
    process.kill(Number(pid), 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};
const until = async (condition: () => boolean) => {
  for (let tries = 0; tries < 300 && !condition(); tries++) await delay(50);
  return condition();
};
const module = (name: string) => JSON.stringify(join(import.meta.dirname, '../../../src/docker', name));

const uses = [
  ['followed', "followLines(nullRecorder, ['events'], () => {})"],
  ['saved', "saveOutput(nullRecorder, ['logs', '--follow'], '/dev/null', { timeout: 0 })"],
  ['copied', "copyOutput(nullRecorder, ['logs', '--follow'], 2, { timeout: 0 })"],
  ['piped', "pipeOutput(nullRecorder, ['cp'], process.stderr, { timeout: 0 })"],
  ['read', "readOutput(nullRecorder, ['cp'], 1_000, { timeout: 0 })"],
] as const;
for (const [use, call] of uses) {
  const program = `
    import { copyOutput, readOutput, followLines, pipeOutput, saveOutput } from ${module('stream.ts')};
    import { nullRecorder } from ${module('recorder.ts')};
    process.on('SIGINT', () => console.log('for us'));
    const { ok } = await ${call};
    console.log(ok);`;
  const start = (path: string, detached: boolean) =>
    execa(process.execPath, ['--input-type=module', '-e', program], {
      env: { PATH: path },
      reject: false,
      detached,
    });

  test(`a silent docker whose output is ${use} ends when the supervisor is killed`, async t => {
    const { path, pid } = docker(t, 'exec sleep 600');
    const engine = start(path, false);
    t.true(await until(() => pid() !== ''));
    engine.kill('SIGKILL');
    await engine;
    t.true(await until(() => !isAlive(pid())));
  });

  test(`a docker whose output is ${use} does not receive a Ctrl-C from the terminal`, async t => {
    const { path, pid } = docker(
      t,
      'trap "exit 130" INT; until [ -e "${0%/*}/handled" ]; do sleep 0.1; done',
    );
    const engine = start(path, true);
    t.true(await until(() => pid() !== ''));
    process.kill(-engine.pid!, 'SIGINT');
    await once(engine.stdout!, 'data');
    writeFileSync(join(path.split(':')[0]!, 'handled'), '');
    t.is((await engine).stdout, 'for us\ntrue');
  });
}

test.serial('saved output may be of any length, with or without transforms', async t => {
  const before = process.env.PATH;
  t.teardown(() => {
    process.env.PATH = before;
  });
  const { path } = docker(t, 'head -c 110000000 /dev/zero');
  process.env.PATH = path;
  const file = join(path.split(':')[0]!, 'saved');
  for (const through of [[], [new PassThrough(), new PassThrough()]]) {
    const { ok } = await saveOutput(nullRecorder, ['logs'], file, { timeout: 0, through });
    t.true(ok);
    t.is(statSync(file).size, 110_000_000);
  }
});

test.serial('followLines emits every line, returns the end of its command, and ends on an abort', async t => {
  const before = process.env.PATH;
  t.teardown(() => {
    process.env.PATH = before;
  });
  const lines: string[] = [];
  process.env.PATH = docker(t, 'echo "$@"; echo output; echo wrong >&2; exit 3').path;
  const ended = await followLines(nullRecorder, ['events', 'a b'], line => lines.push(line));
  t.deepEqual(lines, ['events a b', 'output']);
  t.deepEqual(ended, { ok: false, exitCode: 3, interrupted: null, stderr: 'wrong' });

  const silent = docker(t, 'exec sleep 600');
  process.env.PATH = silent.path;
  const stop = new AbortController();
  const cut = followLines(nullRecorder, ['events'], () => {}, { signal: stop.signal });
  t.true(await until(() => silent.pid() !== ''));
  stop.abort();
  t.is((await cut).interrupted, 'aborted');
  t.true(await until(() => !isAlive(silent.pid())));
});
