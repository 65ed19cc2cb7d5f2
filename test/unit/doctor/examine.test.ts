import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { DockerResult } from '../../../src/docker/cli.ts';
import { examine } from '../../../src/doctor/examine.ts';
import { onPath } from '../../../src/on-path.ts';
import { fakeClient } from '../_helpers/actor-ports.ts';
import { folder } from '../_helpers/repositories.ts';

const info = { ServerVersion: '28.0.0', NCPU: 8, MemTotal: 16e9, DockerRootDir: '/nowhere' };
const reachable: Readonly<Record<string, Partial<DockerResult>>> = {
  '--version': { stdout: 'Docker version 28.0.0' },
  info: { stdout: JSON.stringify(info) },
  version: { stdout: JSON.stringify({ Client: { ApiVersion: '1.50' }, Server: { ApiVersion: '1.50' } }) },
  image: { stderr: 'Error: No such image' },
};

/** Examine a machine whose PATH has these programs and nothing else. */
async function diagnose(
  t: ExecutionContext,
  programs: readonly string[],
  replies: Readonly<Record<string, Partial<DockerResult>>>,
  prepare: (stateDir: string) => void = () => {},
) {
  const path = folder(t);
  const bin = join(path, 'bin');
  mkdirSync(bin);
  for (const program of programs)
    if (program === 'docker') writeFileSync(join(bin, program), '', { mode: 0o755 });
    else symlinkSync(onPath(program, process.env)!, join(bin, program));
  writeFileSync(join(path, 'Dockerfile'), 'FROM scratch\n');
  const stateDir = join(path, 'state');
  prepare(stateDir);
  const { docker, calls } = fakeClient(([verb]) => replies[verb!]);
  const env = { PATH: bin, HOME: path, DOCKER_HOST: 'unix:///var/run/docker.sock' };
  const { findings, exitCode } = await examine({ docker, env, stateDir, source: path });
  const status = Object.fromEntries(findings.map(({ check, status }) => [check, status]));
  return { status, exitCode, calls };
}

test('a machine with a reachable engine passes all checks in a fixed order', async t => {
  const { status, exitCode } = await diagnose(t, ['git', 'docker'], reachable);
  t.is(exitCode, 0);
  t.deepEqual(Object.keys(status), [
    'Node.js',
    'git',
    'docker client',
    'docker engine',
    'image builder',
    'engine size',
    'limits',
    'shared files',
    'docker disk',
    'base image',
    'parent image',
    'network',
    'leftovers',
    'state directory',
    'state disk',
  ]);
});

test('checks that need the engine are skipped if it is unreachable, and the exit code is 3', async t => {
  const { status, exitCode, calls } = await diagnose(t, ['docker'], {
    ...reachable,
    info: { stderr: 'Cannot connect to the Docker daemon' },
  });
  t.is(exitCode, 3);
  t.is(status['docker engine'], 'fail');
  for (const check of ['limits', 'network', 'base image']) t.false(check in status, check);
  t.is(calls.length, 4);
});

test('a missing docker command fails with 3', async t => {
  const { status, exitCode, calls } = await diagnose(t, [], reachable);
  t.is(exitCode, 3);
  t.is(status['docker client'], 'fail');
  t.deepEqual(calls, []);
});

test('an unsafe state directory fails with 1', async t => {
  const { status, exitCode } = await diagnose(t, ['docker'], reachable, stateDir => {
    mkdirSync(stateDir);
    chmodSync(stateDir, 0o777);
  });
  t.is(exitCode, 1);
  t.is(status['state directory'], 'fail');
});
