import test from 'ava';
import * as z from 'zod';
import type { DockerResult } from '../../../src/docker/cli.ts';
import { dockerTimeoutMs, parseJson, queryDocker } from '../../../src/doctor/docker.ts';
import { fakeClient } from '../_helpers/actor-ports.ts';

const info = { ServerVersion: '28.0.0', NCPU: 8, MemTotal: 16e9 };
const context = { Name: 'mine', Endpoints: { docker: { Host: 'unix:///run/docker.sock' } } };
const versions = { Client: { ApiVersion: '1.50' }, Server: { ApiVersion: '1.49' } };

/** Facts from a docker with these replies in place of those of a healthy engine. */
async function facts(replies: Readonly<Record<string, Partial<DockerResult>>> = {}) {
  const healthy: Readonly<Record<string, Partial<DockerResult>>> = {
    '--version': { stdout: 'Docker version 28.0.0, build abc\n' },
    context: { stdout: JSON.stringify(context) },
    info: { stdout: JSON.stringify(info) },
    version: { stdout: JSON.stringify(versions) },
  };
  const timeouts = new Set<number | undefined>();
  const { docker, calls } = fakeClient(([verb], { timeout }) => {
    timeouts.add(timeout);
    return { ...healthy, ...replies }[verb!];
  });
  return { ...(await queryDocker(docker)), calls, timeouts };
}

test('the facts of a reachable engine are those of four commands, each with a timeout', async t => {
  const { calls, timeouts, ...found } = await facts();
  t.deepEqual(found, {
    client: 'Docker version 28.0.0, build abc',
    context: 'mine',
    endpoint: 'unix:///run/docker.sock',
    engine: info,
    problem: null,
    api: { client: '1.50', engine: '1.49' },
  });
  t.is(calls.length, 4);
  t.deepEqual([...timeouts], [dockerTimeoutMs]);
});

test('an unreachable engine is reported with the message of docker info', async t => {
  const { engine, problem } = await facts({
    info: { ok: false, stderr: 'Cannot connect to the Docker daemon at unix:///run/docker.sock.' },
  });
  t.is(engine, null);
  t.regex(problem!, /Cannot connect to the Docker daemon/);
});

test("the server's error in the output of docker info precedes stderr", async t => {
  const { engine, problem } = await facts({
    info: {
      ok: false,
      stdout: JSON.stringify({ ...info, ServerVersion: '', ServerErrors: ['permission denied'] }),
      stderr: 'errors pretty printing info',
    },
  });
  t.is(engine, null);
  t.is(problem, 'permission denied');
});

test('a docker info that exits with 0 without a server version is no engine', async t => {
  const { engine, problem } = await facts({
    info: { stdout: JSON.stringify({ ...info, ServerVersion: '' }) },
  });
  t.is(engine, null);
  t.is(problem, 'docker info exited with 0');
});

test('a docker info that was killed by its timeout is reported as such', async t => {
  const { problem } = await facts({
    info: { ok: false, exitCode: null, interrupted: 'timeout', stderr: 'half a line' },
  });
  t.is(problem, 'no response within 5 s');
});

test('a docker without contexts and versions leaves them out', async t => {
  const { client, context, endpoint, api, engine } = await facts({
    '--version': { ok: false, stdout: 'garbage' },
    context: { ok: false, stderr: 'unknown command' },
    version: { stdout: '{"Client": {"ApiVersion": "1.50"}}' },
  });
  t.deepEqual({ client, context, endpoint, api }, { client: null, context: null, endpoint: null, api: null });
  t.not(engine, null);
});

test('parseJson returns null for text that is not JSON or does not fit the schema', t => {
  const schema = z.object({ a: z.number() });
  t.deepEqual(parseJson(schema, '{"a": 1}'), { a: 1 });
  for (const text of ['', '{', '{"a": "1"}', 'null']) t.is(parseJson(schema, text), null, text);
});
