import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { HostName } from '../../../src/connection/run-hosts.ts';
import { containerLedger } from '../../../src/docker/container-ledger.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import type { RunEventBody } from '../../../src/events.ts';
import { type Fleet, plannedFleet } from '../../../src/run/fleet.ts';
import type { OpenRun } from '../../../src/run/open-run.ts';
import { swarmFleet } from '../../../src/run/swarm-fleet.ts';
import { trackRun } from '../../../src/run/track-run.ts';
import { vaultOf } from '../../../src/secrets/vault.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { agent, engine, fakeClient, never } from '../_helpers/actor-ports.ts';
import { useDefaultContext } from '../_helpers/environment.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';
import { folder } from '../_helpers/repositories.ts';
import { at, attemptEnds, failure, started } from '../_helpers/story.ts';
import { virtualTime } from '../_helpers/virtual-time.ts';

/** The ids of engines by docker context; `manager` is that of the run. */
const ids: Readonly<Record<string, string>> = { h1: 'manager', h2: 'worker' };
const info = (id: string) =>
  JSON.stringify({ ID: id, Name: id, ServerVersion: '28', NCPU: 2, MemTotal: 1, DockerRootDir: '/d' });
const contextOf = (name: string) =>
  JSON.stringify({ Name: name, Endpoints: { docker: { Host: `unix:///${name}.sock` } } });

/** A docker on PATH that reaches these engines, until `away` is called with the context of one. */
function reachableEngines(t: ExecutionContext) {
  const cases = Object.entries(ids).map(
    ([name, id]) => `
    context*${name}) printf '%s' '${contextOf(name)}' ;;
    info*unix:///${name}.sock) [ ! -e "$here/${name}.away" ] && printf '%s' '${info(id)}' ;;`,
  );
  const { here } = fakeDocker(
    t,
    `case "$* $DOCKER_CONTEXT$DOCKER_HOST" in ${cases.join('')}
    events*) exec sleep 60 ;;
    esac`,
  );
  const away = (name: string) => {
    writeFileSync(join(here, `${name}.away`), '');
    return () => rmSync(join(here, `${name}.away`));
  };
  return { away };
}

/** The first host, whose engine is that of the run, has the id of `h1`. */
const hostsOf = (names: readonly (readonly HostName[])[]) =>
  names.map((names, index) => {
    const ledger = containerLedger(fakeClient().docker);
    const id = index === 0 ? 'manager:/d' : `e${index}`;
    const connection = {
      ...{ docker: ledger.docker, recorder: nullRecorder, address: { host: 'unix:///x.sock', env: {} } },
      engine: { ...engine, id, hostName: index === 0 ? 'manager' : null },
    };
    return { ...connection, names, ledger, hasOtherFiles: false, concurrency: 1 };
  });

/** A run with the hosts of these names, one engine each. */
function desk(
  t: ExecutionContext,
  { names, agents }: { names: readonly (readonly HostName[])[]; agents: readonly Partial<AgentPlan>[] },
  create: (open: OpenRun) => Fleet,
) {
  const home = folder(t);
  useDefaultContext(t, home);
  const { away } = reachableEngines(t);
  const time = virtualTime();
  const stateDir = openStateDir(join(home, 'state'));
  const run = stateDir.run('r1234567');
  mkdirSync(run.path, { mode: 0o700 });
  const plan = {
    ...{ name: 'f', concurrency: null },
    agents: agents.map((more, index) => agent({ ...more, name: 'abc'[index]! })),
  };
  const tracker = trackRun(plan.agents.map(({ name }) => name));
  tracker.apply(started(Object.fromEntries(plan.agents.map(({ name }) => [name, []]))));
  const events: RunEventBody[] = [];
  const append = async (body: RunEventBody) => {
    events.push(body);
    tracker.apply(at(0, body));
  };
  const ending = new AbortController();
  const hosts = hostsOf(names);
  const fleet = create({
    run: {
      ...{ plan, folder: run, isResumed: false, secret: 's', commits: {}, vault: vaultOf(plan, {}) },
      hosts: hosts.map(({ names, engine }) => ({ names, engine })),
    },
    journal: { append, subscribe: () => () => {} },
    clock: { now: time.now, elapsed: time.now, sleep: time.sleep },
    ...{ hosts, stateDir, tracker, ending, concurrency: 1, halted: Promise.withResolvers() },
  } as unknown as OpenRun);
  t.teardown(async () => {
    ending.abort();
    await Promise.all(fleet.hosts.map(({ watcher }) => watcher.closed));
  });
  const titles = () => fleet.hosts.map(({ host }) => host.names[0]);
  return { fleet, apply: tracker.apply, events, away, titles, ...waits(time) };
}

function waits(time: ReturnType<typeof virtualTime>) {
  const untilTrue = async (condition: () => boolean) => {
    while (!condition()) await time.pass(100);
  };
  /** Let time pass until the work is settled. */
  const settled = async <T>(work: T | Promise<T>): Promise<T> => {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    Promise.resolve(work).then(settle, settle);
    await untilTrue(() => isSettled);
    return work;
  };
  return { untilTrue, settled };
}

const on = (host: string) => ({ placement: { host } });
const placed = (agent: string, host: string) => at(1, { type: 'agent.placed', agent, attempt: 1, host });

// All serial: they change the environment, which the whole process shares.
test.serial('an agent is on the host of its outages, by whichever of its names it is placed', async t => {
  const agents = [on('x'), on('y'), {}];
  const { fleet, settled } = desk(t, { names: [[null], ['x', 'y']], agents }, plannedFleet);
  t.deepEqual(['a', 'b', 'c'].map(fleet.hostOf), ['x', 'x', null]);
  for (const [name, title] of [
    ['y', 1],
    ['x', 1],
    [null, 0],
  ] as const)
    t.is(await settled(fleet.reach(name, never)), fleet.hosts[title]!.context);
});

test.serial('an agent that is placed beside the engine of the run is on that engine', async t => {
  const { fleet, apply, settled } = desk(t, { names: [[null]], agents: [{}, {}] }, swarmFleet);
  t.is(fleet.hostOf('a'), null);
  apply(placed('a', 'h1'));
  apply(placed('b', 'h2'));
  for (const name of ['a', 'b']) await settled(fleet.contextOf(name));
  t.deepEqual(['a', 'b'].map(fleet.hostOf), [null, 'h2']);
  t.is(fleet.knownContextOf('a'), fleet.hosts[0]!.context);
  t.is(fleet.knownContextOf('b'), fleet.hosts[1]!.context);
});

test.serial(
  'an agent whose host is lost is on the engine of the run, and waits for nothing else',
  async t => {
    const { fleet, apply, settled, away, titles } = desk(t, { names: [[null]], agents: [{}] }, swarmFleet);
    away('h2');
    apply(placed('a', 'h2'));
    t.is(fleet.hostOf('a'), 'h2');
    apply(attemptEnds(2, 'a', failure('hostLost')));
    t.is(fleet.hostOf('a'), null);
    t.is(await settled(fleet.contextOf('a')), fleet.hosts[0]!.context);
    await settled(fleet.waitForHost!('a', never));
    t.deepEqual(titles(), [null]);
  },
);

test.serial('a node is connected to again until it can be reached', async t => {
  const { fleet, events, settled, untilTrue, away, titles } = desk(
    t,
    { names: [[null]], agents: [{}] },
    swarmFleet,
  );
  const comeBack = away('h2');
  const reached = fleet.reach('h2', never);
  await untilTrue(() => events.length > 0);
  comeBack();
  t.is(await settled(reached), fleet.hosts[1]!.context);
  t.deepEqual(titles(), [null, 'h2']);
  t.deepEqual(
    events.map(({ type }) => type),
    ['engine.unreachable', 'engine.reachable'],
  );
});
