import test from 'ava';
import { dockerCli } from '../../../src/docker/cli.ts';
import { engineInfo, platformOf } from '../../../src/docker/engine-info.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { fakeClient } from '../_helpers/actor-ports.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';
import { folder } from '../_helpers/repositories.ts';

const readInfo = () => engineInfo(dockerCli(nullRecorder), { timeout: 20_000, hint: () => 'do what helps' });

// All serial: they change PATH, which the whole process shares.
test.serial('a missing docker command is reported', async t => {
  const bin = folder(t);
  const before = process.env.PATH;
  process.env.PATH = bin;
  t.teardown(() => {
    process.env.PATH = before;
  });
  await t.throwsAsync(readInfo(), { message: 'the docker command is not on PATH. Install Docker first' });
});

/** Output of a docker that fails because something other than docker is missing. */
const failures: Readonly<Record<string, readonly [script: string, message: string]>> = {
  'a context that does not exist': [
    `echo 'Failed to initialize: unable to resolve docker endpoint: context "gone": context not found: open /c/meta.json: no such file or directory' >&2; exit 1`,
    'Failed to initialize: unable to resolve docker endpoint: context "gone": context not found: open /c/meta.json: no such file or directory',
  ],
  'a missing ssh': [
    `printf '%s' '{"ServerErrors":["error during connect: Get \\"http://docker.example.com/v1.50/info\\": exec: \\"ssh\\": executable file not found in $PATH"]}'; exit 1`,
    'error during connect: Get "http://docker.example.com/v1.50/info": exec: "ssh": executable file not found in $PATH',
  ],
  'an unreachable engine': [
    `printf '%s' '{"ServerErrors":["Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?"]}'`,
    'Cannot connect to the Docker daemon at unix:///x.sock',
  ],
  'missing certificates': [
    `echo 'Failed to initialize: unable to resolve docker endpoint: open /root/.docker/ca.pem: no such file or directory' >&2; exit 1`,
    'Failed to initialize: unable to resolve docker endpoint: open /root/.docker/ca.pem: no such file or directory',
  ],
  'a wrapper script that misses a program': [
    `echo 'docker: line 2: real-docker: not found' >&2; exit 127`,
    'docker: line 2: real-docker: not found',
  ],
  'a wrapper script without output': ['exit 126', 'docker exited with 126, and it printed nothing'],
  'several lines': [
    `printf 'one line\\nError: another\\nthe reason\\n\\nSee '"'docker info --help'."'\\n' >&2; exit 1`,
    'one line\nError: another\nthe reason',
  ],
};

for (const [title, [script, message]] of Object.entries(failures))
  test.serial(`docker's own message is the reason: ${title}`, async t => {
    fakeDocker(t, script);
    const error = await t.throwsAsync(readInfo());
    t.true(error.message.startsWith(`could not reach the Docker engine: ${message}. `), error.message);
    t.regex(error.message, / 12[67]$/.test(script) ? /\. Run docker info to see why/ : /\. Do what helps$/);
  });

test('the place of an engine in a Docker Swarm is null without one', async t => {
  const facts = { ID: 'E1', ServerVersion: '28.0', NCPU: 4, MemTotal: 1024 };
  const swarmOf = async (Swarm: unknown) => {
    const stdout = JSON.stringify({ ...facts, ...(Swarm === undefined ? {} : { Swarm }) });
    return (await engineInfo(fakeClient(() => ({ stdout })).docker)).swarm;
  };
  t.deepEqual(await swarmOf({ NodeID: 'n1', ControlAvailable: true, LocalNodeState: 'active' }), {
    ...{ nodeId: 'n1', isManager: true },
  });
  t.deepEqual(await swarmOf({ NodeID: 'n1', ControlAvailable: false }), { nodeId: 'n1', isManager: false });
  t.deepEqual(await swarmOf({ NodeID: 'n1' }), { nodeId: 'n1', isManager: false });
  for (const none of [undefined, null, {}, { NodeID: '', ControlAvailable: false }])
    t.is(await swarmOf(none), null);
});

test('a platform has the words of docker, whatever the engine reports', t => {
  t.is(platformOf('linux', 'x86_64'), 'linux/amd64');
  t.is(platformOf('linux', 'aarch64'), 'linux/arm64');
  t.is(platformOf('linux', 's390x'), 'linux/s390x');
  for (const [system, architecture] of [
    [null, 'x86_64'],
    ['linux', undefined],
    ['', 'x86_64'],
  ] as const)
    t.is(platformOf(system, architecture), null);
});
