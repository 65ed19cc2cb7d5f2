import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { connectTo, reachCurrent } from '../../../src/connection/engine-connection.ts';
import { never } from '../_helpers/actor-ports.ts';
import { setEnvironment, useDefaultContext } from '../_helpers/environment.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';
import { folder } from '../_helpers/repositories.ts';

interface Situation {
  /** The shell that `docker context inspect` runs; default: it reports the default context. */
  readonly context?: string;
  /** The shell that runs before each `docker info`. */
  readonly before?: string;
  /** The shell that `docker version` runs. */
  readonly version?: string;
  /** The shell that `docker ps` runs; default: it prints its DOCKER_HOST. */
  readonly ps?: string;
  readonly info?: object;
  readonly env?: Readonly<Record<string, string>>;
  /** The content of the docker client's config.json. */
  readonly config?: object;
}

const contextOf = (name: string, host: string) =>
  `printf '%s' '${JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } })}'`;
const facts = (context?: string) => ({
  ...{ ID: 'E1', ServerVersion: '28', NCPU: 2, MemTotal: 1, DockerRootDir: '/d' },
  ...(context !== undefined && { ClientInfo: { Context: context } }),
});

/** Connect by a docker with these replies. `infos` has the DOCKER_HOST of every `docker info`. */
function desk(
  t: ExecutionContext,
  {
    context = contextOf('default', 'unix:///a.sock'),
    before = '',
    version = 'exit 1',
    ps = `printf '%s' "$at"`,
    info = facts('default'),
    env = {},
    config = {},
  }: Situation = {},
) {
  const home = folder(t);
  mkdirSync(join(home, '.docker'));
  writeFileSync(join(home, '.docker', 'config.json'), JSON.stringify(config));
  useDefaultContext(t, home);
  setEnvironment(t, env);
  const { here } = fakeDocker(
    t,
    `at="\${DOCKER_HOST:-none}\${DOCKER_API_VERSION:+ $DOCKER_API_VERSION}"
    case $1 in
    context) echo x >>"$here/contexts"; ${context} ;;
    ps) ${ps} ;;
    version) ${version} ;;
    info)
      echo "$at" >>"$here/infos"
      ${before}
      printf '%s' '${JSON.stringify(info)}' ;;
    esac`,
  );
  const read = (file: string) => readFileSync(join(here, file), 'utf8').split('\n').filter(Boolean);
  return { here, infos: () => read('infos'), contexts: () => read('contexts').length };
}

/** Shell that waits until the other call has begun. */
const until = (file: 'infos' | 'contexts') => `until [ -s "$here/${file}" ]; do sleep 0.02; done`;

// All serial: they change the environment, which the whole process shares.
test.serial('the engine of the default context is reached with one info beside the context', async t => {
  const { infos, contexts } = desk(t, {
    context: `${until('infos')}; ${contextOf('default', 'unix:///a.sock')}`,
    before: until('contexts'),
  });
  const { engine, address } = await reachCurrent();
  t.is(engine.id, 'E1:/d');
  t.deepEqual(address, { host: 'unix:///a.sock', env: { DOCKER_HOST: 'unix:///a.sock' } });
  t.deepEqual(infos(), ['none']);
  t.is(contexts(), 1);
});

test.serial('an info that does not prove its context is called again at the address', async t => {
  for (const situation of [
    { info: facts() },
    { info: facts('other') },
    { context: `${until('infos')}; ${contextOf('other', 'unix:///a.sock')}` },
  ]) {
    const { infos } = desk(t, situation);
    const { address } = await reachCurrent();
    t.is(address.env.DOCKER_HOST, 'unix:///a.sock');
    t.deepEqual(infos(), ['none', 'unix:///a.sock']);
  }
});

test.serial('a context that is selected by name is inspected before the info', async t => {
  const context = contextOf('desk', 'unix:///a.sock');
  for (const situation of [{ env: { DOCKER_CONTEXT: 'desk' } }, { config: { currentContext: 'desk' } }]) {
    const { infos } = desk(t, { ...situation, context, info: facts('default') });
    await reachCurrent();
    t.deepEqual(infos(), ['unix:///a.sock']);
  }
});

test.serial('with DOCKER_HOST no context is inspected', async t => {
  const { infos, contexts } = desk(t, { env: { DOCKER_HOST: 'unix:///b.sock' } });
  t.is((await reachCurrent()).address.host, 'unix:///b.sock');
  t.deepEqual(infos(), ['unix:///b.sock']);
  t.throws(contexts, { code: 'ENOENT' });
});

test.serial('without a readable context the info is called again with the environment', async t => {
  const { infos } = desk(t, { context: `${until('infos')}; exit 1` });
  t.deepEqual((await reachCurrent()).address, { host: '', env: {} });
  t.deepEqual(infos(), ['none', 'none']);
});

test.serial('an engine that does not respond is called once', async t => {
  const { infos } = desk(t, { before: 'echo "Cannot connect to the Docker daemon" >&2; exit 1' });
  await t.throwsAsync(reachCurrent(), { message: /^could not reach the Docker engine: Cannot connect/ });
  t.deepEqual(infos(), ['none']);
});

test.serial('an info that cannot be read is called once', async t => {
  const { infos } = desk(t, { before: `echo '{"ID":"E1"'; exit 0` });
  await t.throwsAsync(reachCurrent(), { message: /its output cannot be read/ });
  t.deepEqual(infos(), ['none']);
});

test.serial('reads are made beside the info, and again where that was of another engine', async t => {
  const reads = { calls: [['ps']], signal: never };
  const hostOfRead = async () => (await (await reachCurrent(undefined, { reads })).docker(['ps'])).stdout;
  desk(t);
  t.is(await hostOfRead(), 'none');
  desk(t, { info: facts('other') });
  t.is(await hostOfRead(), 'unix:///a.sock');
  desk(t, { env: { DOCKER_HOST: 'unix:///b.sock' } });
  t.is(await hostOfRead(), 'unix:///b.sock');
});

test.serial('an info that is not needed is ended', async t => {
  const { infos } = desk(t, {
    context: contextOf('other', 'unix:///a.sock'),
    // Only the early one has no DOCKER_HOST.
    before: '[ "$DOCKER_HOST" != "" ] || exec sleep 600',
  });
  const began = performance.now();
  t.is((await reachCurrent()).engine.id, 'E1:/d');
  t.true(performance.now() - began < 20_000);
  t.is(infos().at(-1), 'unix:///a.sock');
});

test.serial('the engine of a given context is reached, whatever the environment selects', async t => {
  const { infos } = desk(t, {
    context: `[ "$DOCKER_CONTEXT" = build1 ] && [ -z "$DOCKER_HOST" ] && ${contextOf('build1', 'tcp://build1:2376')}`,
    env: { DOCKER_HOST: 'unix:///b.sock' },
  });
  const { address } = await reachCurrent(undefined, { context: 'build1' });
  t.deepEqual(address, { host: 'tcp://build1:2376', env: { DOCKER_HOST: 'tcp://build1:2376' } });
  t.deepEqual(infos(), ['tcp://build1:2376']);
});

test.serial('a context that does not exist is named, with the fix', async t => {
  desk(t, {
    context: 'exit 1',
    before: `echo 'context "build1": context not found' >&2; exit 1`,
  });
  await t.throwsAsync(reachCurrent(undefined, { context: 'build1' }), {
    message:
      /^could not reach the Docker engine: context "build1".*Name a context that docker context ls lists/,
  });
});

test.serial('a run is found at its address, at the current one, or at that of its context', async t => {
  const engine = {
    id: 'E1:/d',
    hostName: 'b1',
    address: { host: 'tcp://was:1', env: { DOCKER_HOST: 'tcp://was:1' } },
  };
  const run = { runId: 'r1', engine, context: 'build1' };
  const situation = (reachable: string) => ({
    context: `if [ "$DOCKER_CONTEXT" = build1 ]; then ${contextOf('build1', 'tcp://is:1')}; else ${contextOf('default', 'unix:///a.sock')}; fi`,
    before: `[ "$DOCKER_HOST" = ${reachable} ] || { echo down >&2; exit 1; }`,
    info: { ...facts(), Name: 'b1' },
  });
  for (const [reachable, tried] of [
    ['tcp://was:1', ['tcp://was:1']],
    ['unix:///a.sock', ['tcp://was:1', 'unix:///a.sock']],
    ['tcp://is:1', ['tcp://was:1', 'unix:///a.sock', 'tcp://is:1']],
  ] as const) {
    const { infos } = desk(t, situation(reachable));
    t.is((await connectTo(run)).address.host, reachable);
    t.deepEqual(infos(), [...tried]);
  }
  desk(t, situation('tcp://nowhere:1'));
  await t.throwsAsync(connectTo(run), {
    message:
      /run r1 is on the Docker engine E1:\/d at tcp:\/\/was:1, which was not found: .*name it with --context or DOCKER_HOST/,
  });
});

test.serial('over ssh, every command keeps to the API version that the first one has negotiated', async t => {
  const { infos } = desk(t, { env: { DOCKER_HOST: 'ssh://me@build1' }, version: 'echo 1.41 1.41' });
  const { docker, address } = await reachCurrent();
  t.deepEqual(infos(), ['ssh://me@build1 1.41']);
  t.is((await docker(['ps'])).stdout, 'ssh://me@build1 1.41');
  // Another engine may be there when the run is resumed.
  t.deepEqual(address.env, { DOCKER_HOST: 'ssh://me@build1' });
  setEnvironment(t, { DOCKER_API_VERSION: '1.40' });
  t.is((await (await reachCurrent()).docker(['ps'])).stdout, 'ssh://me@build1 1.40');
});

test.serial('an ssh server that refuses a connection is tried again', async t => {
  const refused =
    'Error response from daemon: client version 1.50 is too new. Maximum supported API version is 1.24';
  desk(t, {
    env: { DOCKER_HOST: 'ssh://me@build1' },
    version: `[ -e "$here/refused" ] && echo 1.41 1.41 || { touch "$here/refused"; echo '${refused}' >&2; exit 1; }`,
  });
  t.is((await (await reachCurrent()).docker(['ps'])).stdout, 'ssh://me@build1 1.41');
});

test.serial('the time for an engine is that of all tries over ssh together', async t => {
  const { here } = desk(t, {
    env: { DOCKER_HOST: 'ssh://me@build1' },
    version: `echo x >>"$here/versions"; echo kex_exchange_identification >&2; exit 1`,
  });
  // Shorter than the pause after the first try.
  await reachCurrent(undefined, { timeout: 900 }).catch(() => {});
  t.is(readFileSync(join(here, 'versions'), 'utf8'), 'x\n');
});

test.serial(
  'a command is repeated if an ssh server refuses its connection, and after no other failure',
  async t => {
    const refused = 'exit status 255: stderr=kex_exchange_identification: Connection closed by remote host';
    const situation = (failure: string) => ({
      ...{ env: { DOCKER_HOST: 'ssh://me@build1' }, version: 'echo 1.41 1.41' },
      ps: `echo x >>"$here/lists"; [ "$(wc -l <"$here/lists")" -gt 1 ] || { echo '${failure}' >&2; exit 1; }; echo listed`,
    });
    desk(t, situation(refused));
    t.is((await (await reachCurrent()).docker(['ps'])).stdout, 'listed\n');
    desk(t, situation('Error response from daemon: Connection reset'));
    t.false((await (await reachCurrent()).docker(['ps'])).ok);
  },
);
