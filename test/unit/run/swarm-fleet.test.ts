import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { raceAbort } from '../../../src/async/race-abort.ts';
import { type Clock, systemClock } from '../../../src/clock.ts';
import type { Connection } from '../../../src/connection/connect.ts';
import type { Docker } from '../../../src/docker/cli.ts';
import { label } from '../../../src/docker/labels.ts';
import { recorder } from '../../../src/docker/recorder.ts';
import type { RunEvent, RunEventBody } from '../../../src/events.ts';
import { openRun } from '../../../src/run/open-run.ts';
import type { LockedRun } from '../../../src/run/run.ts';
import { swarmFleet } from '../../../src/run/swarm-fleet.ts';
import { vaultOf } from '../../../src/secrets/vault.ts';
import { bufferedSink } from '../../../src/store/buffered-sink.ts';
import { readJournal } from '../../../src/store/read-journal.ts';
import { type RunHost, readRunFile } from '../../../src/store/run-file.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { engine, never, rejection } from '../_helpers/actor-ports.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { useDefaultContext } from '../_helpers/environment.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';
import { type FakeService, fakeSwarm, swarmNode } from '../_helpers/fake-swarm.ts';
import { folder } from '../_helpers/repositories.ts';
import { attemptEnds, runStarted } from '../_helpers/story.ts';

const addressOf = (host: string) => ({ host: `tcp://${host}:1`, env: { DOCKER_HOST: `tcp://${host}:1` } });
const managerHost: RunHost = {
  ...{
    names: [null],
    engine: { id: 'em:/d', hostName: 'manager', address: addressOf('m1') },
    hasOtherFiles: true,
  },
};
const nodeHost = (name: string): RunHost => ({
  ...{
    names: [name],
    engine: { id: `e${name}:/d`, hostName: name, address: addressOf(name) },
    hasOtherFiles: true,
  },
});
const plan = {
  ...{ name: 'f', concurrency: 2, target: { context: 'm1', isSwarm: true as const } },
  agents: ['a', 'b'].map(name => ({ ...defaultPlan, name })),
};

/** A clock whose pauses are short, apart from those of half a minute, which end when a test lets them. */
function hastyClock() {
  let halfMinute = Promise.withResolvers<void>();
  const sleep: Clock['sleep'] = (ms, signal) =>
    ms < 30_000 ? systemClock.sleep(Math.min(ms, 50), signal) : raceAbort(halfMinute.promise, signal);
  const passHalfMinute = () => {
    halfMinute.resolve();
    halfMinute = Promise.withResolvers();
  };
  return { clock: { ...systemClock, sleep }, passHalfMinute };
}

/** Engines by the name of their docker context, each with a folder that a test may write: `down`, or `other`. */
const script = `
  case "$DOCKER_HOST" in
  tcp://*) name=\${DOCKER_HOST#tcp://}; name=\${name%:1} ;;
  *) name=$DOCKER_CONTEXT ;;
  esac
  case $1 in
  context) printf '{"Name":"%s","Endpoints":{"docker":{"Host":"tcp://%s:1"}}}' "$name" "$name" ;;
  info)
    echo "$name" >>"$here/infos"
    [ ! -e "$here/down-$name" ] || { echo "Cannot connect to the Docker daemon at $DOCKER_HOST" >&2; exit 1; }
    id=e$name; host=$name; node=$name
    [ "$name" != h1 ] || { id=em; host=manager; }
    [ ! -e "$here/other-$name" ] || node=other
    printf '{"ID":"%s","Name":"%s","ServerVersion":"28","NCPU":4,"MemTotal":8589934592,"DockerRootDir":"/d","Swarm":{"NodeID":"%s"}}' "$id" "$host" "$node" ;;
  image) echo sha256:pause ;;
  events) exec sleep 600 ;;
  esac`;

/** Replies of the manager's own engine. */
const answers: Readonly<Record<string, object>> = { ps: {}, info: {}, image: { stdout: 'sha256:pause' } };

interface Situation {
  readonly hosts?: readonly RunHost[];
  readonly past?: readonly RunEventBody[];
  /** The node of a new reservation. */
  readonly nodeOf?: (service: FakeService) => string;
  /** Delays the list of reservations. */
  readonly held?: Promise<void>;
  /** Reservations of an earlier process. */
  readonly left?: readonly FakeService[];
}

const managerEngine = {
  ...engine,
  id: 'em:/d',
  hostName: 'manager',
  memory: 2 ** 33,
  swarm: { nodeId: 'h1', isManager: true },
};

/** Return a docker client that lists services only then. */
const listingAfter =
  (held: Promise<void> | undefined, docker: Docker): Docker =>
  async (args, options) => {
    if (args.slice(0, 2).join(' ') === 'service ls') await held;
    return docker(args, options);
  };

/** The fleet of a run whose manager `m1` is the node `h1` as well. */
async function desk(
  t: ExecutionContext,
  { hosts = [managerHost], past, nodeOf = () => 'h2', left = [], held }: Situation = {},
) {
  const home = folder(t);
  mkdirSync(join(home, '.docker'));
  useDefaultContext(t, home);
  const { here } = fakeDocker(t, script);
  const swarm = fakeSwarm(
    ['h1', 'h2', 'h3'].map(name => swarmNode(name)),
    {
      schedule: service => ({ state: 'running', nodeId: nodeOf(service) }),
      respond: ([verb]) => answers[verb ?? ''],
    },
  );
  const stateDir = openStateDir(join(home, 'state'));
  for (const { name, labels, ...service } of left)
    swarm.services.set(name, {
      ...service,
      name,
      labels: { ...labels, [label.instance]: stateDir.instance },
    });
  const run = stateDir.run('r1234567');
  mkdirSync(run.path, { mode: 0o700 });
  const events = (past ?? []).map((body, index) => ({ v: 1, seq: index + 1, at: 1, ...body }) as RunEvent);
  const locked: LockedRun = {
    ...{ plan, hosts, secret: '0'.repeat(32), folder: run, vault: vaultOf(plan, {}), past: events },
    ...{ isResumed: past !== undefined, lock: null as never },
  };
  const { clock, passHalfMinute } = hastyClock();
  const docker = listingAfter(held, swarm.docker);
  const early = bufferedSink();
  const host = {
    names: [null],
    docker,
    recorder: recorder(early, clock.elapsed),
    engine: managerEngine,
    address: addressOf('m1'),
  };
  const open = await openRun(locked, { hosts: [host], early } as unknown as Connection, {
    stateDir,
    clock,
  });
  const fleet = swarmFleet(open);
  t.teardown(async () => {
    open.ending.abort(new Error('the end of the test'));
    await Promise.allSettled(fleet.hosts.map(({ watcher }) => watcher.closed));
    open.journal[Symbol.dispose]();
  });
  const mark = (file: string) => writeFileSync(join(here, file), '');
  const unmark = (file: string) => rmSync(join(here, file));
  const infos = () => readFileSync(join(here, 'infos'), 'utf8').split('\n').filter(Boolean);
  const read = () => readJournal(run.journal).events;
  const place = (agent: string, attempt = 1, report = (_: string) => {}) =>
    fleet.scheduler!.place({ agent, attempt }, never, report);
  return {
    passHalfMinute,
    fleet,
    swarm,
    mark,
    unmark,
    infos,
    place,
    events: read,
    file: () => readRunFile(run),
  };
}

const types = (events: readonly RunEvent[]) => events.map(({ type }) => type);
const namesOf = (hosts: readonly Pick<RunHost, 'names'>[]) => hosts.map(({ names }) => names);
const started = runStarted('r1234567', { a: [], b: [] });
const placedOn = (agent: string, host: string): RunEventBody => ({
  type: 'agent.placed',
  agent,
  attempt: 1,
  host,
});

// All serial: they change the environment, which the whole process shares.
test.serial('a node is connected to and recorded before an agent is placed on it', async t => {
  const { fleet, place, events, file, infos } = await desk(t);
  t.is(fleet.hosts.length, 1);
  await place('a');
  t.like(events().at(-1), placedOn('a', 'h2'));
  t.deepEqual(namesOf(file().hosts), [[null], ['h2']]);
  t.deepEqual(file().hosts[1], nodeHost('h2'));
  const [manager, node] = fleet.hosts;
  t.is(await fleet.contextOf('a'), node!.context);
  t.is(fleet.knownContextOf('a'), node!.context);
  t.is(await fleet.contextOf('b'), manager!.context);
  await place('b');
  t.is(fleet.hosts.length, 2);
  t.deepEqual(infos(), ['h2']);
});

test.serial('a manager that is a node itself is one host', async t => {
  const { fleet, place, events, file } = await desk(t, { nodeOf: () => 'h1' });
  await place('a');
  t.like(events().at(-1), placedOn('a', 'h1'));
  t.deepEqual(file().hosts, [{ ...managerHost, names: [null, 'h1'] }]);
  t.is(fleet.hosts.length, 1);
  t.is(await fleet.contextOf('a'), fleet.hosts[0]!.context);
});

test.serial('a node that cannot be reached is left out, and used again when it can be', async t => {
  const nodeOf = ({ args }: FakeService) => (args.includes('--constraint=node.id!=h2') ? 'h3' : 'h2');
  const { place, mark, unmark, events, file, passHalfMinute } = await desk(t, { nodeOf });
  const reasons: string[] = [];
  mark('down-h2');
  await place('a', 1, reason => reasons.push(reason));
  t.true(reasons.includes('its node cannot be used'));
  t.like(events().at(-1), placedOn('a', 'h3'));
  t.deepEqual(namesOf(file().hosts), [[null], ['h3']]);
  const unreachable = events().filter(({ type }) => type === 'engine.unreachable');
  t.like(unreachable, [{ host: 'h2' }]);
  unmark('down-h2');
  passHalfMinute();
  await place('b');
  t.like(events().at(-1), placedOn('b', 'h2'));
  t.true(types(events()).includes('engine.reachable'));
  t.deepEqual(namesOf(file().hosts), [[null], ['h3'], ['h2']]);
});

test.serial('a context that leads to another engine than the node is not used', async t => {
  const nodeOf = ({ args }: FakeService) => (args.includes('--constraint=node.id!=h2') ? 'h3' : 'h2');
  const { place, mark, events } = await desk(t, { nodeOf });
  mark('other-h2');
  await place('a');
  t.like(events().at(-1), placedOn('a', 'h3'));
  const [warning] = events().filter(({ type }) => type === 'warning');
  t.like(warning, {
    message:
      'no agent is placed on the node host-h2: the docker context h2 leads to another engine. Correct it, or the label of the node',
  });
});

test.serial(
  'the room of a resumed attempt that goes on is kept, and that of others is released first',
  async t => {
    const first = await desk(t);
    for (const agent of ['a', 'b']) await first.place(agent);
    const left = [...first.swarm.services.values()];
    const { v: _, seq: __, at: ___, ...ended } = attemptEnds(1, 'b');
    const past = [started, placedOn('a', 'h2'), placedOn('b', 'h2'), ended];
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const hosts = [managerHost, nodeHost('h2')];
    const { fleet, swarm, place } = await desk(t, { hosts, past, left, held });
    t.is(fleet.hosts.length, 1);
    const placed = place('b', 2);
    for (let turns = 0; turns < 20; turns++) await nextTurn();
    release();
    await placed;
    const changes = swarm.calls.flatMap(call => /^service (rm|create)/.exec(call)?.[1] ?? []);
    t.deepEqual(changes, ['rm', 'create']);
    t.deepEqual([...swarm.services.keys()], ['tmux-reserve-r1234567-a-1', 'tmux-reserve-r1234567-b-2']);
  },
);

test.serial('a resumed agent waits for its host, which is where it was', async t => {
  const past = [started, placedOn('a', 'h2')];
  const { fleet, mark, unmark, events, file } = await desk(t, { hosts: [managerHost, nodeHost('h2')], past });
  mark('down-h2');
  t.is(fleet.knownContextOf('a'), fleet.hosts[0]!.context);
  const unreachable = () => events().filter(({ type }) => type === 'engine.unreachable').length;
  for (const _ of [1, 2])
    t.is((await rejection(fleet.contextOf('a') as Promise<unknown>)).kind, 'unreachable');
  await fleet.contextOf('b');
  const waits = fleet.waitForHost!('a', never);
  unmark('down-h2');
  await waits;
  t.is(unreachable(), 1);
  t.true(types(events()).includes('engine.reachable'));
  t.is(fleet.knownContextOf('a'), fleet.hosts[1]!.context);
  t.deepEqual(file().hosts, [managerHost, nodeHost('h2')]);
});

test.serial('at the end, all recorded hosts are connected, and all reservations released', async t => {
  const hosts = [{ ...managerHost, names: [null, 'h1'] }, nodeHost('h2'), nodeHost('h3')];
  const { fleet, mark, place, swarm } = await desk(t, { hosts, past: [started] });
  await place('a');
  await swarm.docker(['service', 'create', '--name=web']);
  mark('down-h3');
  t.deepEqual(await fleet.connectAll(), ['h3']);
  t.deepEqual(namesOf(fleet.hosts.map(({ host }) => host)), [[null], ['h2']]);
  t.deepEqual(await fleet.releaseAll({ kept: new Set(), isComplete: false }), []);
  t.deepEqual([...swarm.services.keys()], ['web']);
});
