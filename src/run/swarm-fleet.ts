import { setImmediate as nextTurn } from 'node:timers/promises';
import { isHostLost } from '../../machines/quota.ts';
import { asStepError, StepError } from '../../machines/step-error.ts';
import { isOnIsolated } from '../agent-container/names.ts';
import { backoff } from '../async/backoff.ts';
import { coalesce } from '../async/coalesce.ts';
import { memoizeAsync } from '../async/memoize.ts';
import { raceAbort } from '../async/race-abort.ts';
import { type EngineConnection, reachCurrent, reachRunEngine } from '../connection/engine-connection.ts';
import { engineKey, runHostOf } from '../connection/run-hosts.ts';
import { containerLedger } from '../docker/container-ledger.ts';
import type { CallScope } from '../docker/recorder.ts';
import { type SwarmNetworks, swarmNetworks } from '../networks/swarm-networks.ts';
import { engineWarnings } from '../preflight/engine-warnings.ts';
import { isUnreachable } from '../state/flow-state.ts';
import { writeRunFile } from '../store/run-file.ts';
import { type Scheduler, swarmScheduler } from '../swarm/scheduler.ts';
import { otherEngine, withHint } from '../swarm/swarm-problem.ts';
import { type DrivenHost, driveHost, type Fleet, type RemainingContainers } from './fleet.ts';
import { type OpenRun, warn } from './open-run.ts';
import { releaseSwarm } from './release-swarm.ts';

const reconnectPauses = { baseMs: 1_000, maxMs: 30_000 };

/** The hosts of agents that a Docker Swarm places: its nodes, each with an engine of its own, and the manager that is asked. */
export function swarmFleet(open: OpenRun): Fleet {
  const { run, tracker, stateDir, clock, journal, ending } = open;
  const { plan, folder } = run;
  const owner = { instance: stateDir.instance, runId: folder.runId };
  const { docker } = open.hosts[0]!;
  const networks = swarmNetworks({ ...owner, docker, clock, signal: ending.signal });
  // All that is built comes from this machine, and no agent can write to that.
  const driveOn = (host: DrivenHost['host']) =>
    driveHost(open, host, { plan, exposed: [], swarmNetworks: networks });
  const manager = driveOn(open.hosts[0]!);
  const nodes = nodesOf(open, manager, driveOn);
  const plans = new Map(plan.agents.map(agent => [agent.name, agent]));
  const scheduler = swarmScheduler({
    ...{ docker, owner, clock, signal: ending.signal },
    plan: agent => plans.get(agent)!,
    limiter: manager.context.limiter,
    warn: message => warn(open, message),
    async connect({ id, context }, signal) {
      // Only a node that is connected is watched, so that its return is noticed.
      if (nodes.known(context) && isUnreachable(tracker.state(), { host: context }))
        throw new Error('its engine is unreachable');
      const { host } = await nodes.join(context, signal);
      if (host.engine.swarm?.nodeId === id) return host.docker;
      throw new Error(withHint(otherEngine(context)));
    },
  });
  const current = run.isResumed ? releaseEarlier(open, scheduler.releaseOthers) : Promise.resolve();
  /** An attempt whose host is lost waits for nothing there. */
  const hostOf = (agent: string) => {
    const { host, attemptOutcome } = tracker.record(agent);
    const isLost = attemptOutcome !== null && isHostLost(attemptOutcome);
    // The outages of the manager are those of the engine of the run, also for agents on its node.
    return isLost || nodes.known(host) === manager ? null : host;
  };
  renewRooms(open, hostOf, scheduler.renew);
  const contextOf = async (agent: string) => {
    const name = hostOf(agent);
    return name === null ? manager.context : (await nodes.join(name, ending.signal)).context;
  };
  const reach = async (name: string | null, signal: AbortSignal) => {
    for (let failures = 1; !nodes.known(name); failures++) {
      await clock.sleep(backoff(failures, reconnectPauses), signal);
      await nodes.join(name!, signal).catch(() => {});
    }
    const { context, watcher } = nodes.known(name)!;
    await watcher.waitUntilReachable(signal);
    return context;
  };
  return {
    hosts: nodes.hosts,
    contextOf,
    knownContextOf: agent => nodes.known(hostOf(agent))?.context ?? manager.context,
    waitForHost: async (agent, signal) => void (await reach(hostOf(agent), signal)),
    ...{ hostOf, reach },
    scheduler: {
      async place(scope, signal, report) {
        await raceAbort(current, signal);
        const host = await scheduler.place(scope, signal, report);
        await journal.append({ type: 'agent.placed', ...scope, host });
      },
      release: scheduler.release,
    },
    connectAll: nodes.joinAll,
    releaseAll: remaining => releaseAll(open, { networks, nodes: nodes.hosts }, remaining),
  };
}

async function releaseAll(
  { run, stateDir, clock, hosts }: OpenRun,
  { networks, nodes }: { readonly networks: SwarmNetworks; readonly nodes: readonly DrivenHost[] },
  remaining: RemainingContainers,
): Promise<readonly string[]> {
  const { plan, folder, isResumed } = run;
  const { docker } = hosts[0]!;
  const wasInterrupted = await networks.close();
  return releaseSwarm(docker, {
    owner: { instance: stateDir.instance, runId: folder.runId },
    ...remaining,
    engines: nodes.map(({ host }) => host.docker).filter(engine => engine !== docker),
    hasNetworks: plan.agents.some(({ network }) => isOnIsolated(network, folder.runId)),
    inDoubt: wasInterrupted || isResumed,
    sleep: ms => clock.sleep(ms, new AbortController().signal),
  });
}

/** Reserve room again for the agents on a node that has come back. */
function renewRooms(
  { run, journal, tracker, ending }: OpenRun,
  hostOf: Fleet['hostOf'],
  renew: Scheduler['renew'],
): void {
  journal.subscribe(event => {
    if (event.type !== 'engine.reachable' || event.host === undefined) return;
    for (const { name } of run.plan.agents) {
      const { attempt, attemptOutcome, ended } = tracker.record(name);
      if (hostOf(name) !== event.host || attemptOutcome !== null || ended) continue;
      void renew({ agent: name, attempt }, event.host, ending.signal).catch(() => {});
    }
  });
}

/** Release what an earlier process has left, apart from the rooms of attempts that go on. */
async function releaseEarlier(
  open: OpenRun,
  releaseOthers: (goesOn: (scope: CallScope) => boolean) => Promise<void>,
): Promise<void> {
  const goesOn = ({ agent, attempt }: CallScope) => {
    const record = open.tracker.record(agent);
    return record.attempt === attempt && record.attemptOutcome === null && !record.ended;
  };
  // The rest is removed at the end of the run.
  await releaseOthers(goesOn).catch(() => {});
}

/** The nodes that are connected. Each is recorded before anything is created on it. */
function nodesOf(open: OpenRun, manager: DrivenHost, drive: (host: DrivenHost['host']) => DrivenHost) {
  const { run, journal, tracker, ending } = open;
  const hosts: DrivenHost[] = [manager];
  const byName = new Map<string, DrivenHost>();
  let recorded = run.hosts;
  const write = coalesce(async () => {
    // The file has the whole plan, so the nodes that are joined in one turn share it.
    await nextTurn();
    writeRunFile(run.folder, { ...run, hosts: recorded });
  });
  const record = (next: typeof recorded) => {
    recorded = next;
    return write(ending.signal);
  };
  const reach = (name: string): Promise<EngineConnection> => {
    const known = recorded.find(({ names }) => names.includes(name));
    const { recorder } = manager.host;
    if (known === undefined) return reachCurrent(recorder, { context: name });
    const { runId } = run.folder;
    return reachRunEngine({ runId, engine: known.engine, context: name }, recorder);
  };
  const addManager = async (name: string) => {
    const [own, ...others] = recorded;
    if (!own!.names.includes(name)) await record([{ ...own!, names: [...own!.names, name] }, ...others]);
    return manager;
  };
  const addNode = async (name: string, connection: EngineConnection) => {
    const ledger = containerLedger(connection.docker);
    const host = { ...connection, names: [name], docker: ledger.docker, ledger, hasOtherFiles: true };
    const others = recorded.filter(({ names }) => !names.includes(name));
    await record([...others, runHostOf(host, true)]);
    for (const message of engineWarnings(host.engine, process.env)) warn(open, `host ${name}: ${message}`);
    const driven = drive({ ...host, concurrency: open.concurrency });
    hosts.push(driven);
    return driven;
  };
  const join = memoizeAsync(async name => {
    try {
      const connection = await reach(name);
      const isManager = engineKey(connection.engine) === engineKey(manager.host.engine);
      const driven = await (isManager ? addManager(name) : addNode(name, connection));
      byName.set(name, driven);
      if (isUnreachable(tracker.state(), { host: name }))
        void journal.append({ type: 'engine.reachable', host: name });
      return driven;
    } catch (error) {
      const { message } = asStepError(error);
      if (!isUnreachable(tracker.state(), { host: name }))
        void journal.append({ type: 'engine.unreachable', host: name, message });
      throw new StepError('unreachable', message, { cause: error });
    }
  });
  return {
    hosts,
    join,
    known: (name: string | null) => (name === null ? manager : byName.get(name)),
    async joinAll() {
      const names = recorded.flatMap(({ names }) => names.flatMap(name => name ?? []));
      const joined = await Promise.allSettled(names.map(name => join(name)));
      return names.filter((_, index) => joined[index]!.status === 'rejected');
    },
  };
}
