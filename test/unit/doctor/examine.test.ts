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
  contexts: Readonly<Record<string, typeof replies>> | null = null,
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
  const clientOf = (context: string) => fakeClient(([verb]) => contexts?.[context]?.[verb!]).docker;
  const { findings, exitCode } = await examine({
    ...{ docker, env, stateDir, source: path },
    ...(contexts !== null && { clientOf }),
  });
  const status = Object.fromEntries(findings.map(({ check, status }) => [check, status]));
  const hint = (wanted: string) => findings.find(({ check }) => check === wanted)?.hint;
  return { status, exitCode, calls, hint };
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

/** The replies of an engine that is this node of a Swarm, with these nodes if it is a manager. */
const inSwarm = (id: string, nodes: readonly (readonly [string, string | null])[] | null = null) => ({
  ...reachable,
  info: {
    stdout: JSON.stringify({ ...info, Swarm: { NodeID: id, ControlAvailable: nodes !== null } }),
  },
  node: {
    stdout: JSON.stringify(
      nodes?.map(([ID, context]) => ({
        ID,
        Spec: {
          Labels: context === null ? null : { 'agent-flow.context': context },
          Role: 'worker',
          Availability: 'active',
        },
        Status: { State: 'ready' },
      })) ?? [],
    ),
  },
});

test('in a Swarm, the engine of each node is checked, and one that cannot take agents is a warning', async t => {
  const nodes = [
    ['n1', 'h1'],
    ['n2', 'h2'],
    ['n3', 'h3'],
    ['n4', null],
  ] as const;
  const contexts = {
    ...{ h1: inSwarm('n1'), h2: inSwarm('n9') },
    h3: { ...reachable, info: { stderr: 'Cannot connect to the Docker daemon' } },
  };
  const found = await diagnose(t, ['git', 'docker'], inSwarm('n1', nodes), undefined, contexts);
  t.is(found.exitCode, 0);
  const ofHosts = Object.entries(found.status).filter(([check]) => /^(docker swarm|host |node )/.test(check));
  t.deepEqual(Object.fromEntries(ofHosts), {
    'docker swarm': 'ok',
    'host h1: docker engine': 'ok',
    'host h1: engine size': 'ok',
    'host h1: limits': 'ok',
    'host h1: docker disk': 'ok',
    'host h1: base image': 'warn',
    'host h1: parent image': 'ok',
    'host h1: network': 'ok',
    'host h2: docker engine': 'warn',
    'host h3: docker engine': 'warn',
    'node n4': 'warn',
  });
  t.is(found.hint('host h2: docker engine'), 'correct it, or the label of the node');
  t.regex(found.hint('host h3: docker engine')!, /^start the engine there, or correct the docker context/);
  t.is(found.hint('node n4'), 'add it: docker node update --label-add agent-flow.context=CONTEXT n4');
});

for (const [what, replies, hint] of [
  ['an engine that is no manager', inSwarm('n1'), /name the docker context of a manager/],
  ['a Swarm whose nodes cannot be reached', inSwarm('n1', [['n1', 'h1']]), /^fix what is reported/],
  ['a Swarm without labels', inSwarm('n1', [['n1', null]]), /^add it for each node: docker node update/],
  [
    'a Swarm without a leader',
    { ...inSwarm('n1', []), node: { stderr: 'Error: the swarm does not have a leader' } },
    /^run docker node ls/,
  ],
] as const)
  test(`${what} cannot run agents, and doctor fails with 3`, async t => {
    const away = { h1: { info: { stderr: 'refused' } } };
    const found = await diagnose(t, ['docker'], replies, undefined, away);
    t.is(found.exitCode, 3);
    t.is(found.status['docker swarm'], 'fail');
    t.regex(found.hint('docker swarm')!, hint);
  });
