import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { eventually, fakeDocker, isRunning, type Place, place, small } from './flow.ts';

/**
 * The complete messages that people read when something is wrong, as reviewed snapshots
 * (snapshots/messages.test.ts.md). After a change of a message: `ava test/engine/messages.test.ts -u`, and review them
 * again.
 */

const worker = (more: object) => ({
  agents: { worker: { command: ['true'], workspace: 'workspace', ...small, ...more } },
});

interface Case {
  readonly spec: unknown;
  readonly exitCode: number;
  env?(here: Place): NodeJS.ProcessEnv;
}

const silent = createServer(() => {});
test.after.always(() => silent.close());

const cases: Readonly<Record<string, Case>> = {
  'no engine': {
    spec: worker({}),
    exitCode: 3,
    env: here => ({ ...here.env, DOCKER_HOST: `unix://${here.path}/none.sock` }),
  },
  'an unresponsive engine': {
    spec: worker({}),
    exitCode: 3,
    env(here) {
      silent.listen(join(here.path, 'silent.sock'));
      return { ...here.env, DOCKER_HOST: `unix://${here.path}/silent.sock` };
    },
  },
  'an image that cannot be built': {
    spec: worker({}),
    exitCode: 1,
    env: here =>
      fakeDocker(here, {
        'image inspect': 'echo "Error: No such image" >&2; exit 1',
        build:
          'for i in $(seq 1 30); do echo "Step $i"; done; echo "The command returned a non-zero code: 9" >&2; exit 9',
      }),
  },
  'an image that does not exist': {
    spec: worker({ image: 'nobody/nothing:1' }),
    exitCode: 1,
    env: here =>
      fakeDocker(here, {
        pull: 'echo "Error response from daemon: pull access denied for nobody/nothing, repository does not exist or may require \'docker login\'" >&2; exit 1',
      }),
  },
  'a network of another driver': {
    spec: worker({ network: { name: 'wanted' } }),
    exitCode: 3,
    env: here =>
      fakeDocker(here, { 'network ls': 'echo \'{"ID":"n1","Name":"wanted","Driver":"macvlan"}\'; exit' }),
  },
  'a workspace that is missing': { spec: worker({ workspace: 'missing' }), exitCode: 2 },
  'a workspace that is a file': { spec: worker({ workspace: 'spec.json' }), exitCode: 2 },
  'a command that is not in the image': { spec: worker({ command: ['no-such-command'] }), exitCode: 1 },
  'an agent that exits non-zero': { spec: worker({ command: ['sh', '-c', 'exit 7'] }), exitCode: 1 },
  'an agent that is killed for want of memory': {
    // A small program: a larger one than its limit would be read from the disk again and again, for minutes.
    spec: worker({ memory: '64m', command: ['tail', '/dev/zero'] }),
    exitCode: 1,
  },
  'an agent that runs past its limit': {
    spec: worker({ command: ['sleep', '300'], timeouts: { run: '1s' } }),
    exitCode: 4,
  },
  'an agent that kills its own tmux server': {
    spec: worker({ command: ['sh', '-c', 'tmux kill-server; sleep 30'] }),
    exitCode: 1,
  },
  'memory and cpus that are no sizes': {
    spec: {
      agents: {
        a: { command: ['true'], memory: '4 GB', cpus: 0 },
        b: { command: ['true'], memory: 0, cpus: -1 },
        c: { command: ['true'], memory: -1 },
      },
    },
    exitCode: 2,
  },
  'more cpus than the engine has': {
    spec: worker({ cpus: 4096 }),
    exitCode: 2,
    env: here =>
      fakeDocker(here, {
        info: 'echo \'{"ID":"E","ServerVersion":"20.10","NCPU":2,"MemTotal":8000000000}\'; exit',
      }),
  },
  'invalid names': {
    spec: {
      agents: {
        'a/b': { command: ['true'] },
        'a b': { command: ['true'] },
        [`x${'y'.repeat(299)}`]: { command: ['true'] },
        '-a': { command: ['true'] },
      },
    },
    exitCode: 2,
  },
  'unknown keys, unknown agents and a cycle': {
    spec: {
      agents: {
        a: { comand: ['true'] },
        b: { command: ['true'], dependsOn: ['c'] },
        c: { command: ['true'], dependsOn: ['b', 'd'] },
      },
    },
    exitCode: 2,
  },
  'invalid JSON': { spec: '{ "agents": { "a": { "command": ["true" } } }', exitCode: 2 },
};

/** Without the parts that differ from run to run: paths, ids, times, and the width of columns that depends on them. */
const normalised = (here: Place, stderr: string) =>
  stderr
    .replaceAll(here.path, '<place>')
    .replaceAll(here.runId() ?? '<run>', '<run>')
    .split('\n')
    .filter(line => !/^\d\d:\d\d:\d\d /.test(line))
    .map(line => line.replaceAll(/\b(\d+[dhm] )*\d+(\.\d+)?s\b/g, '<time>').replaceAll(/(?<=\S) {2,}/g, '  '))
    .join('\n');

for (const [title, { spec, exitCode, env }] of Object.entries(cases))
  test(`the message for ${title}`, async t => {
    const here = place(t);
    const file = here.write(spec);
    const ran = await here.agentFlow(['run', file], env ? { env: env(here) } : {});
    t.is(ran.exitCode, exitCode, ran.stderr);
    t.is(ran.stdout, '');
    t.snapshot(normalised(here, ran.stderr));
    t.deepEqual(await here.containers(), []);
  });

test('the message for a name that a foreign container holds', async t => {
  const here = place(t);
  writeFileSync(join(here.workspace, 'wait'), '');
  const spec = {
    agents: {
      first: {
        command: ['sh', '-c', 'while [ -e wait ]; do sleep 0.1; done'],
        workspace: 'workspace',
        ...small,
      },
      second: { command: ['true'], workspace: 'workspace', ...small, dependsOn: ['first'] },
    },
  };
  const run = here.start(['run', here.write(spec)]);
  // After the check of Docker that a run begins with, so that its create meets it.
  await eventually(isRunning(here, 'first'), 'a running agent');
  const runId = here.runId()!;
  const name = `tmux-agent-${runId}-second-1`;
  const { stdout: foreign } = await execa('docker', [
    'create',
    '--name',
    name,
    'debian:bookworm-slim',
    'true',
  ]);
  t.teardown(() => execa('docker', ['rm', '-f', foreign]));
  await execa('rm', [join(here.workspace, 'wait')]);
  const { exitCode, stderr } = await run;
  t.is(exitCode, 3);
  t.snapshot(normalised(here, String(stderr)).replaceAll(foreign.slice(0, 12), '<foreign>'));
});
