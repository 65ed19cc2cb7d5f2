import { Writable } from 'node:stream';
import test from 'ava';
import { dockerCli } from '../../../src/docker/cli.ts';
import { outputSource } from '../../../src/docker/container-output.ts';
import { classify } from '../../../src/docker/errors.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { pipeOutput, saveOutput } from '../../../src/docker/stream.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';

const docker = dockerCli(nullRecorder);

test("the commands that pass on a container's output are recognized, with their container", t => {
  for (const [line, id] of [
    ['logs c', 'c'],
    ['logs --follow --tail=1 c', 'c'],
    ['exec --interactive c sh -c x', 'c'],
    ['start --attach c', 'c'],
    ['start c', null],
    ['container inspect c', null],
    ['cp c:/workspace -', null],
    ['build --tag=x -- .', null],
  ] as const)
    t.is(outputSource(line.split(' ')), id, line);
});

/** A docker whose every command but a question fails with these words of a container, and `answer` to the question. */
const words = (said: string, answer: string) =>
  `if [ "$2" = inspect ]; then ${answer}; else echo '${said}' >&2; exit 1; fi`;
const state = (status: string, error = '') => `echo '{"Status":"${status}","Error":"${error}"}'`;
const silence = 'Cannot connect to the Docker daemon';
const away = `echo '${silence} at unix:///var/run/docker.sock' >&2; exit 1`;
const gone = `echo 'Error: No such container: c' >&2; exit 1`;

for (const [what, args, said, answer, kind, stderr] of [
  ['an engine that is away', ['exec', 'c', 'x'], silence, state('running'), 'transient', /^$/],
  ['no space', ['exec', 'c', 'x'], 'no space left on device', state('running'), 'docker', /^$/],
  ['a lost container', ['logs', 'c'], 'No such container: c', state('exited'), 'docker', /^$/],
  [
    'a passing fault',
    ['exec', 'c', 'x'],
    'resource temporarily unavailable',
    state('running'),
    'transient',
    /^$/,
  ],
] as const)
  test.serial(`a container that says what docker says of ${what} is not believed`, async t => {
    fakeDocker(t, words(said, answer));
    const end = await docker(args);
    t.is(classify(end), kind);
    t.regex(end.stderr, stderr);
    t.is(end.printed, `${said}\n`);
  });

for (const [what, args, answer, kind, stderr] of [
  ['is away', ['logs', 'c'], away, 'unreachable', /^Cannot connect/],
  ['has lost the container', ['exec', 'c', 'x'], gone, 'docker', /^Error: No such container/],
  ['has a container that has ended', ['exec', 'c', 'x'], state('exited'), 'docker', /is not running/],
  ['has a container that is paused', ['exec', 'c', 'x'], state('paused'), 'transient', /is paused/],
  ['has read its logs', ['logs', 'c'], state('exited'), 'docker', /^$/],
  [
    'could not start it',
    ['start', '--attach', 'c'],
    state('created', 'no space left on device'),
    'outOfResources',
    /^no space left/,
  ],
  ['speaks in riddles', ['exec', 'c', 'x'], 'echo riddle', 'docker', /^$/],
] as const)
  test.serial(`the reason of a failed command comes from the engine: it ${what}`, async t => {
    fakeDocker(t, words('any words', answer));
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    const options = { timeout: 0 };
    for (const end of [
      await docker(args),
      await saveOutput(nullRecorder, args, '/dev/null', options),
      await pipeOutput(nullRecorder, args, nowhere, options),
    ]) {
      t.is(classify(end), kind);
      t.regex(end.stderr, stderr);
    }
  });

test.serial('the engine is not asked after a success or an abort', async t => {
  fakeDocker(t, 'if [ "$2" = inspect ]; then exit 9; fi; echo words >&2; [ "$2" = c ] || exec sleep 600');
  t.like(await docker(['logs', 'c']), { ok: true, exitCode: 0, stderr: '', printed: 'words\n' });
  t.like(await docker(['logs', 'd'], { timeout: 500 }), {
    ok: false,
    exitCode: null,
    interrupted: 'timeout',
  });
});

test.serial('a command whose reason cannot be read counts as cut off', async t => {
  fakeDocker(t, 'if [ "$2" = inspect ]; then exec sleep 600; fi; exit 1');
  const stop = new AbortController();
  const answer = docker(['exec', 'c', 'x'], { signal: stop.signal });
  setTimeout(() => stop.abort(), 1_000);
  t.like(await answer, { ok: false, exitCode: null, interrupted: 'aborted' });
});
