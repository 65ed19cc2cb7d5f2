import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { RunResult } from '../../src/state/result-schema.ts';
import { eventually, isRunning, type Place, place } from '../engine/flow.ts';
import { testLimit } from '../limits.ts';
import { agent, client } from '../remote/client.ts';
import { countedStarts, eventsOf, go, hostOf } from './runs.ts';
import { swarmEngines } from './swarm-engines.ts';

const swarm = await swarmEngines(3);
swarm.upForTests();

const target = { swarm: 'manager' };
const bare = { workspace: { mode: 'none' } };
const onWorkers = { placement: { constraints: ['node.role==worker'] } };
const until = 'until [ -e /tmp/go ]; do echo tick; sleep 0.2; done';

function caller(t: ExecutionContext) {
  t.timeout(testLimit);
  const here = place(t, swarm.env);
  const start = (spec: object) => {
    const run = here.start(['run', here.write(spec), '--json']);
    t.teardown(() => void run.kill('SIGKILL'));
    return run;
  };
  return { here, start };
}

/** The number of reservations of a run that keep room. */
async function reserved(here: Place): Promise<number> {
  const env = swarm.hosts[0]!.env;
  const label = `--filter=label=tmux-agents.run-id=${here.runId()}`;
  const { stdout } = await execa('docker', ['service', 'ls', label, '--format={{.Replicas}}'], { env });
  return stdout.split('\n').filter(replicas => replicas === '1/1').length;
}

async function nothingLeft(here: Place) {
  const instance = readFileSync(join(here.stateDir, 'instance'), 'utf8').trim();
  await eventually(
    async () => (await swarm.nothingLeft(instance)).length === 0,
    'hosts without anything of the run',
  );
}

const resultOf = (stdout: unknown): RunResult => JSON.parse(String(stdout));
const attemptsOf = (stdout: unknown, name: string) => resultOf(stdout).agents[name]!.attempts;

/** Milliseconds that a host is cut off: long after its agent is followed by another attempt. */
const cutMs = 5 * 60_000;

/** The first attempt ends only with its lease. */
const first =
  'echo one >one; git add .; git commit --quiet -m one; seq 77777 77777; until [ -e /tmp/go ]; do sleep 1; done';
const second = 'echo two >two; git add .; git commit --quiet -m two';
const followed = (starts: ReturnType<typeof countedStarts>) => ({
  target,
  concurrency: 2,
  agents: {
    work: agent(`${starts.first(first)}; ${second}`, {
      ...{ ...onWorkers, mounts: starts.mounts, onHostLost: 'retry', hostGrace: '1m' },
    }),
    other: agent(until, { ...bare, placement: { host: 'h1' } }),
  },
});

test.serial(
  'a lost attempt ends by its lease, is followed by one, and is removed when its host is back',
  async t => {
    const { here, git } = await client(t, { daemon: swarm.hosts[0]!.daemon, env: swarm.env });
    t.timeout(testLimit);
    const starts = countedStarts(t);
    const run = here.start(['run', here.write(followed(starts)), '--json']);
    t.teardown(() => void run.kill('SIGKILL'));
    await eventually(() => isRunning(here, 'work')() && isRunning(here, 'other')(), 'two running agents');
    const lost = hostOf(swarm, here, 'work');
    const [id] = eventsOf(here, 'agent.state').flatMap(
      event => (event.agent === 'work' && event.containerId) || [],
    );
    const state = async () =>
      (
        await execa('docker', ['inspect', '--format={{.State.Status}} {{.State.ExitCode}}', id!], {
          env: lost.env,
        })
      ).stdout;
    await eventually(
      async () =>
        (await execa('docker', ['logs', id!], { env: lost.env })).stdout.match(/^77777\s*$/m) !== null,
      'work',
    );
    await lost.cut();
    const cutAt = Date.now();
    t.teardown(() => lost.restore());
    const ended = () => eventsOf(here, 'attempt.ended').filter(event => event.agent === 'work');
    await eventually(() => ended().length > 0, 'the end of the first attempt');
    t.is(ended()[0]!.error?.kind, 'hostLost');
    t.is(await state(), 'exited 124');
    await eventually(() => ended().length > 1, 'the end of the second attempt');
    t.not(hostOf(swarm, here, 'work').name, lost.name);
    await eventually(() => Date.now() - cutAt > cutMs, 'the end of the cut');
    await lost.restore();
    const isBack = ({ message }: { message: string }) => message.startsWith(`${lost.name} is back`);
    await eventually(
      () => eventsOf(here, 'warning').some(isBack),
      'the removal of what the first attempt left',
    );
    await go(swarm, here, 'other');
    const { exitCode, stdout, stderr } = await run;
    t.is(exitCode, 0, String(stderr));
    t.deepEqual(
      attemptsOf(stdout, 'work').map(({ status, host }) => [status, host]),
      [
        ['failed', lost.name],
        ['succeeded', hostOf(swarm, here, 'work').name],
      ],
    );
    t.is(starts.count(), 2);
    const branch = `agent-flow/${here.runId()}/work`;
    t.is(await git('ls-tree', '--name-only', branch), 'README\ntwo');
    t.is(await git('ls-tree', '--name-only', `${branch}.attempt-1`), 'README\none');
    t.regex(here.transcript('work', 1), /^77777$/m);
    await nothingLeft(here);
  },
);

test.serial('a host that is cut off for a while loses nothing', async t => {
  const { here, start } = caller(t);
  const run = start({
    target,
    concurrency: 2,
    agents: { one: agent(until, { ...bare, ...onWorkers }), two: agent(until, { ...bare, ...onWorkers }) },
  });
  await eventually(() => isRunning(here, 'one')() && isRunning(here, 'two')(), 'two running agents');
  const cut = hostOf(swarm, here, 'one');
  await cut.cut();
  t.teardown(() => cut.restore());
  await eventually(() => eventsOf(here, 'engine.unreachable').length > 0, 'a host that is unreachable');
  await cut.restore();
  await eventually(() => eventsOf(here, 'engine.reachable').length > 0, 'a host that is reachable again');
  await eventually(async () => (await reserved(here)) === 2, 'room that is reserved again');
  await Promise.all([go(swarm, here, 'one'), go(swarm, here, 'two')]);
  const { exitCode, stdout, stderr } = await run;
  t.is(exitCode, 0, String(stderr));
  for (const name of ['one', 'two']) t.is(attemptsOf(stdout, name).length, 1);
  await swarm.ready();
  await nothingLeft(here);
});

test.serial('an agent fails with its host if it is to, and the others go on', async t => {
  const { here, start } = caller(t);
  const run = start({
    target,
    concurrency: 3,
    agents: {
      hung: agent(until, { ...bare, ...onWorkers, onHostLost: 'fail', hostGrace: '1m' }),
      waits: agent(until, { ...bare, placement: { host: 'h1' } }),
      next: agent('true', { ...bare, dependsOn: ['waits'], placement: { host: 'h1' } }),
    },
  });
  await eventually(() => isRunning(here, 'hung')() && isRunning(here, 'waits')(), 'two running agents');
  const { daemon } = hostOf(swarm, here, 'hung');
  daemon.pause();
  t.teardown(() => daemon.unpause());
  await eventually(() => eventsOf(here, 'engine.unreachable').length > 0, 'a host that hangs');
  await go(swarm, here, 'waits');
  await eventually(
    () => eventsOf(here, 'agent.ended').some(event => event.agent === 'next'),
    'the next agent',
  );
  await eventually(() => eventsOf(here, 'agent.ended').some(event => event.agent === 'hung'), 'the loss');
  daemon.unpause();
  const { exitCode, stdout } = await run;
  t.is(exitCode, 3);
  t.is(resultOf(stdout).agents.hung!.error?.kind, 'hostLost');
  await swarm.ready();
  await nothingLeft(here);
});

test.serial(
  'agents go on while the manager is restarted, and one whose node is restarted is placed anew',
  async t => {
    const { here, start } = caller(t);
    const starts = countedStarts(t);
    const run = start({
      target,
      concurrency: 2,
      agents: {
        stays: agent(until, { ...bare, placement: { host: 'h3' } }),
        moves: agent(starts.first(until), {
          ...{ ...bare, mounts: starts.mounts, retries: 1, placement: { host: 'h2' } },
        }),
        later: agent('true', { ...bare, dependsOn: ['moves'] }),
      },
    });
    await eventually(() => isRunning(here, 'stays')() && isRunning(here, 'moves')(), 'two running agents');
    const [manager, node] = swarm.hosts;
    await manager!.daemon.end('SIGKILL');
    t.teardown(() => manager!.daemon.start({ liveRestore: false }));
    await node!.daemon.end('SIGKILL');
    t.teardown(() => node!.daemon.start({ liveRestore: false }));
    await node!.daemon.start({ liveRestore: false });
    await manager!.daemon.start({ liveRestore: false });
    await eventually(
      () => eventsOf(here, 'agent.ended').some(event => event.agent === 'later'),
      'the later agent',
    );
    await go(swarm, here, 'stays');
    const { exitCode, stdout, stderr } = await run;
    t.is(exitCode, 0, String(stderr));
    t.is(attemptsOf(stdout, 'stays').length, 1);
    t.is(attemptsOf(stdout, 'moves').length, 2);
    t.is(starts.count(), 2);
    await swarm.ready();
    await nothingLeft(here);
  },
);
