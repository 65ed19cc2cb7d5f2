import type { ActorContext } from '../actors/context.ts';
import type { AgentPorts } from '../actors/provide.ts';
import { type HostPlan, planOn, titleOf } from '../connection/run-hosts.ts';
import { containers as containersOf } from '../docker/containers.ts';
import { isNetworkAddress } from '../docker/engine-address.ts';
import { callInfo, engineInfo } from '../docker/engine-info.ts';
import { type Watcher, watchContainers } from '../docker/watch.ts';
import { startsAtOnce } from '../preflight/limits.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { type ActorContextOptions, createActorContext } from './actor-context.ts';
import { engineReplaced, unwritable } from './halt-errors.ts';
import { adaptiveLimiter } from './limiter.ts';
import { type OpenHost, type OpenRun, warn } from './open-run.ts';

/** The hosts of a run, with the ports of the agents on each. */
export interface Fleet extends Omit<AgentPorts, 'clock'> {
  /** Those that are connected. In a Docker Swarm, a node is connected to when the first agent is placed on it. */
  readonly hosts: readonly DrivenHost[];
  /** Return the ports of an agent's host; those of the engine of the run if it has none, or it is not connected. */
  knownContextOf(agent: string): ActorContext;
  /** Return the name of the host that an agent is on, as in its outages; null for the engine of the run. */
  hostOf(agent: string): string | null;
  /** Resolves with the ports on the host of this name, when it can be reached. */
  reach(host: string | null, signal: AbortSignal): Promise<ActorContext>;
  /** Connect to all hosts that may have something of the run. Returns the names of those that cannot be reached. */
  connectAll(): Promise<readonly string[]>;
  /**
   * Remove what the run has beside the containers, volumes and networks of each host, which are removed before. Returns the
   * names of what may be left.
   */
  releaseAll(remaining: RemainingContainers): Promise<readonly string[]>;
}

/** The containers of a run that may still exist. */
export interface RemainingContainers {
  /** Ids of those that stay, with their networks. */
  readonly kept: ReadonlySet<string>;
  /** Whether every host that may have others has reported what is on it. */
  readonly isComplete: boolean;
}

/** A host, and the ports of the agents on it. */
export interface DrivenHost {
  readonly host: OpenHost;
  readonly plan: FlowPlan;
  readonly context: ActorContext;
  readonly watcher: Watcher;
}

/** The hosts of agents whose plan names them. */
export function plannedFleet(open: OpenRun): Fleet {
  const { plan } = open.run;
  const exposed: HostPlan['exposed'] = [];
  const hosts = open.hosts.map(host => driveHost(open, host, { plan: planOn(plan, host), exposed }));
  const contexts = new Map(
    hosts.flatMap(({ plan, context }) => plan.agents.map(({ name }) => [name, context])),
  );
  const contextOf = (agent: string) => contexts.get(agent)!;
  // An engine with several names has one by which its outages are journaled.
  const titles = new Map(
    hosts.flatMap(({ host, plan }) => plan.agents.map(({ name }) => [name, titleOf(host)])),
  );
  return {
    ...{ hosts, contextOf, knownContextOf: contextOf },
    hostOf: agent => titles.get(agent)!,
    async reach(name, signal) {
      const { context, watcher } = hosts.find(({ host }) => host.names.includes(name))!;
      await watcher.waitUntilReachable(signal);
      return context;
    },
    connectAll: async () => [],
    releaseAll: async () => [],
  };
}

/** Watch a host, and create the ports of the agents on it. */
export function driveHost(
  open: OpenRun,
  host: OpenHost,
  { swarmNetworks, ...on }: Omit<HostPlan, 'title'> & Pick<ActorContextOptions, 'swarmNetworks'>,
): DrivenHost {
  const watcher = watchHost(open, host);
  const shared = swarmNetworks === undefined ? {} : { swarmNetworks };
  const context = actorContextOf(
    open,
    { host, watcher },
    { host: { title: titleOf(host), ...on }, ...shared },
  );
  return { host, plan: on.plan, watcher, context };
}

function watchHost(open: OpenRun, host: OpenHost): Watcher {
  const { run, clock, journal, halted, ending } = open;
  const { docker, recorder, engine, address } = host;
  const name = titleOf(host);
  const about = name === null ? {} : { host: name };
  return watchContainers({
    containers: containersOf(docker),
    recorder,
    runId: run.folder.runId,
    signal: ending.signal,
    now: clock.now,
    engineTime: engine.systemTime,
    sleep: clock.sleep,
    remoteDocker: isNetworkAddress(address.host) ? docker : null,
    async confirmEngine(signal) {
      const found = await engineInfo(docker, { info: callInfo(docker, { signal }) });
      if (found.id === engine.id) return;
      const error = engineReplaced(run.folder, engine.id, found.id);
      halted.resolve(error);
      throw error;
    },
    onUnreachable: message => void journal.append({ type: 'engine.unreachable', ...about, message }),
    onReachable: () => void journal.append({ type: 'engine.reachable', ...about }),
    onEventsRefused: reason => warn(open, eventsRefused(reason)),
    onEventsRestored: () => warn(open, 'Docker sends its events again'),
    onStarted: (containerId, startedAt) =>
      void journal.append({ type: 'container.started', containerId, startedAt }),
  });
}

function actorContextOf(
  { run, stateDir, clock, journal, tracker, halted, ending }: OpenRun,
  { host, watcher }: Pick<DrivenHost, 'host' | 'watcher'>,
  on: Pick<ActorContextOptions, 'host' | 'swarmNetworks'>,
): ActorContext {
  const { docker, recorder, engine, hasOtherFiles } = host;
  const limiter = adaptiveLimiter({
    maxConcurrency: startsAtOnce(engine),
    now: clock.elapsed,
    onChange: (atOnce, reason) => void journal.append({ type: 'engine.throttled', atOnce, reason }),
  });
  return createActorContext({
    run: { ...run, hasOtherFiles, stateDir },
    ...on,
    isResumed: run.isResumed,
    docker: { docker, recorder, containers: containersOf(docker), watcher, engine, limiter },
    time: { clock, deadlineSignal: tracker.deadline.signal },
    vault: run.vault,
    tracker: tracker,
    emit: event => journal.append(event),
    halt: error => halted.resolve(unwritable(run.folder, error)),
    signal: ending.signal,
  });
}

const eventsRefused = (reason: string) =>
  `docker events does not work: ${reason}. The end of an agent is noticed some seconds late. A proxy before the Docker socket must allow GET /events`;
