import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { reachCurrent } from '../../../src/connection/engine-connection.ts';
import { never } from '../_helpers/actor-ports.ts';
import { setEnvironment, useDefaultContext } from '../_helpers/environment.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';
import { folder } from '../_helpers/repositories.ts';

interface Situation {
  /** The shell that `docker context inspect` runs; default: it reports the default context. */
  readonly context?: string;
  /** The shell that runs before each `docker info`. */
  readonly before?: string;
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
    `case $1 in
    context) echo x >>"$here/contexts"; ${context} ;;
    ps) printf '%s' "\${DOCKER_HOST:-none}" ;;
    info)
      echo "\${DOCKER_HOST:-none}" >>"$here/infos"
      ${before}
      printf '%s' '${JSON.stringify(info)}' ;;
    esac`,
  );
  const read = (file: string) => readFileSync(join(here, file), 'utf8').split('\n').filter(Boolean);
  return { infos: () => read('infos'), contexts: () => read('contexts').length };
}

/** Shell that waits until the other call has begun. */
const until = (file: 'infos' | 'contexts') => `until [ -e "$here/${file}" ]; do sleep 0.02; done`;

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
