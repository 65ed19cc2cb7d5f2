import { Writable } from 'node:stream';
import test from 'ava';
import { classify } from '../../../src/docker/classify-error.ts';
import { dockerCli } from '../../../src/docker/cli.ts';
import { containerOfOutput } from '../../../src/docker/container-output.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { pipeOutput, saveOutput } from '../../../src/docker/stream.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';

const docker = dockerCli(nullRecorder);

test("commands that forward a container's output are recognized, with the container id", t => {
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
    t.is(containerOfOutput(line.split(' ')), id, line);
});

/** Script of a docker that runs `inspection` for an inspect, and otherwise fails with this output of a container. */
const failing = (output: string, inspection: string) =>
  `if [ "$2" = inspect ]; then ${inspection}; else echo '${output}' >&2; exit 1; fi`;
const state = (status: string, error = '') => `echo '{"Status":"${status}","Error":"${error}"}'`;
const cannotConnect = 'Cannot connect to the Docker daemon';
const unreachable = `echo '${cannotConnect} at unix:///var/run/docker.sock' >&2; exit 1`;
const noContainer = `echo 'Error: No such container: c' >&2; exit 1`;

for (const [what, args, output, inspection, kind, stderr] of [
  ['an unreachable engine', ['exec', 'c', 'x'], cannotConnect, state('running'), 'transient', /^$/],
  ['a full disk', ['exec', 'c', 'x'], 'no space left on device', state('running'), 'docker', /^$/],
  ['a missing container', ['logs', 'c'], 'No such container: c', state('exited'), 'docker', /^$/],
  [
    'a transient failure',
    ['exec', 'c', 'x'],
    'resource temporarily unavailable',
    state('running'),
    'transient',
    /^$/,
  ],
] as const)
  test.serial(
    `container output that imitates the error for ${what} is not taken for an error of docker`,
    async t => {
      fakeDocker(t, failing(output, inspection));
      const end = await docker(args);
      t.is(classify(end), kind);
      t.regex(end.stderr, stderr);
      t.is(end.printed, `${output}\n`);
    },
  );

for (const [what, args, inspection, kind, stderr] of [
  ['is unreachable', ['logs', 'c'], unreachable, 'unreachable', /^Cannot connect/],
  ['has lost the container', ['exec', 'c', 'x'], noContainer, 'docker', /^Error: No such container/],
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
  ['prints unreadable output', ['exec', 'c', 'x'], 'echo unreadable', 'docker', /^$/],
] as const)
  test.serial(`the engine gives the reason of a failed command: it ${what}`, async t => {
    fakeDocker(t, failing('any output', inspection));
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

test.serial('the engine is not queried after a success or a timeout', async t => {
  fakeDocker(t, 'if [ "$2" = inspect ]; then exit 9; fi; echo words >&2; [ "$2" = c ] || exec sleep 600');
  t.like(await docker(['logs', 'c']), { ok: true, exitCode: 0, stderr: '', printed: 'words\n' });
  t.like(await docker(['logs', 'd'], { timeout: 500 }), {
    ok: false,
    exitCode: null,
    interrupted: 'timeout',
  });
});

test.serial('a failed command whose reason cannot be read before an abort counts as aborted', async t => {
  fakeDocker(t, 'if [ "$2" = inspect ]; then exec sleep 600; fi; exit 1');
  const stop = new AbortController();
  const result = docker(['exec', 'c', 'x'], { signal: stop.signal });
  setTimeout(() => stop.abort(), 1_000);
  t.like(await result, { ok: false, exitCode: null, interrupted: 'aborted' });
});
