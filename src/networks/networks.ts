import { asStepError } from '../../machines/step-error.ts';
import { isolatedNetwork, proxyNames } from '../agent-container/names.ts';
import { memoizeAsync } from '../async/memoize.ts';
import { sharedWork } from '../async/shared-work.ts';
import type { Recorder } from '../docker/recorder.ts';
import type { AgentPlan, NetworkPlan } from '../spec/plan.ts';
import { sharedNetwork } from '../spec/resolve.ts';
import { checkAttachment } from './attachment.ts';
import { ensureBridgeNetwork } from './bridge-network.ts';
import { type BrokerOptions, type RunBroker, runBroker } from './brokers.ts';
import { ensureProxy } from './proxy.ts';
import { verifyEgressRules } from './proxy-check.ts';
import { ensureProxyImage } from './proxy-image.ts';
import { readBlocked } from './read-blocked.ts';
import { ensureRunNetwork, type RunNetwork } from './run-networks.ts';
import type { SwarmNetwork, SwarmNetworks } from './swarm-networks.ts';

/** The networks of one run's agents, and their proxies. */
export interface RunNetworks extends Pick<RunBroker, 'keep' | 'attach'> {
  /** Create or find the network of an agent's container, once for all agents that share it. */
  ensure(agent: string, signal: AbortSignal): Promise<void>;
  /** Read the hosts that the proxy blocked for an attempt. Never rejects, since an agent's outcome does not depend on it. */
  readBlocked(agent: string, attempt: number, signal: AbortSignal): Promise<void>;
  /** Return the hosts that `readBlocked` found. */
  blocked(agent: string, attempt: number): readonly string[];
  /** Abort all work. Resolves with true if there was any: its effect is in doubt. */
  close(): Promise<boolean>;
}

export interface RunNetworksOptions extends Omit<BrokerOptions, 'agents'> {
  readonly plan: (agent: string) => AgentPlan;
  readonly agents: readonly AgentPlan[];
  /** The networks of the Docker Swarm that places the agents; null without one. */
  readonly swarmNetworks: SwarmNetworks | null;
  readonly recorder: Recorder;
}

export function runNetworks(options: RunNetworksOptions): RunNetworks {
  const { plan, instance, runId, docker, swarmNetworks } = options;
  const closing = new AbortController();
  const signal = AbortSignal.any([options.signal, closing.signal]);
  const { share, underWay } = sharedWork();
  const bridge = memoizeAsync(name =>
    ensureBridgeNetwork(name, { docker, instance, signal: options.signal }),
  );
  const network = (request: RunNetwork, stop = signal) =>
    share(
      `network ${request.name}`,
      () => ensureRunNetwork(request, { docker, instance, runId, signal }),
      stop,
    );
  const attach = (found: SwarmNetwork, stop: AbortSignal) =>
    share(`attachment ${found.id}`, () => checkAttachment(found, { docker, signal }), stop);
  const ensureProxied = proxies({ ...options, signal }, network);
  const broker = runBroker({ ...options, signal }, request => network(request));
  const blocked = new Map<string, readonly string[]>();

  const ensureOwn = async (request: NetworkPlan, stop: AbortSignal) => {
    if (request.mode === 'bridge') {
      const ofSwarm = request.name === sharedNetwork ? null : await swarmNetworks?.find(request.name, stop);
      await (ofSwarm ? attach(ofSwarm, stop) : bridge(request.name, stop));
    }
    if (request.mode === 'isolated' && swarmNetworks !== null)
      await attach(await swarmNetworks.ensureIsolated(stop), stop);
    if (request.mode === 'isolated' && swarmNetworks === null)
      await network({ name: isolatedNetwork(runId), kind: 'open' }, stop);
    if (request.mode === 'allow')
      await share(proxyNames(runId, request.hosts).proxy, () => ensureProxied(request.hosts), stop);
  };

  const ensure = async (agent: AgentPlan, stop: AbortSignal) => {
    await ensureOwn(agent.network, stop);
    await broker.ensure(agent, stop);
  };

  return {
    ...broker,
    ensure: (agent, stop) =>
      ensure(plan(agent), stop).catch(error => {
        throw asStepError(error, { fallbackKind: 'network' });
      }),
    async readBlocked(agent, attempt, stop) {
      const { network } = plan(agent);
      if (network.mode !== 'allow') return;
      const { proxy } = proxyNames(runId, network.hosts);
      blocked.set(`${agent} ${attempt}`, await readBlocked(proxy, { agent, attempt }, options, stop));
    },
    blocked: (agent, attempt) => blocked.get(`${agent} ${attempt}`) ?? [],
    async close() {
      const flights = underWay();
      closing.abort();
      await Promise.allSettled(flights);
      return flights.length > 0;
    },
  };
}

/** Return a function that ensures the networks and the proxy of a list of hosts, and checks each proxy once. */
function proxies(
  { instance, runId, docker, images, buildTimeout, supportedLimits, signal }: RunNetworksOptions,
  network: (request: RunNetwork) => Promise<string>,
): (hosts: readonly string[]) => Promise<void> {
  const common = { docker, instance, runId, signal };
  const checked = new Set<string>();
  return async hosts => {
    const names = proxyNames(runId, hosts);
    const image = (await ensureProxyImage(buildTimeout, { ...images, signal })).id;
    const outside = await network({ name: names.outside, kind: 'peerIsolated' });
    const inside = await network({ name: names.inside, kind: 'internal' });
    const identity = { instance, runId, names, image, supportedLimits };
    const isNew = await ensureProxy(identity, { hosts, networks: { inside, outside } }, common);
    if (!isNew && checked.has(names.proxy)) return;
    await verifyEgressRules(identity, common);
    checked.add(names.proxy);
  };
}
