import { asStepError, StepError } from '../../machines/step-error.ts';
import { isolatedNetwork, proxyNames, proxyOf } from '../agent-container/names.ts';
import { memoizeAsync } from '../async/memoize.ts';
import { sharedWork } from '../async/shared-work.ts';
import type { Recorder } from '../docker/recorder.ts';
import type { GrantMessage } from '../secret-proxy/grants.ts';
import { hostSecretsOf } from '../spec/host-secrets.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { sharedNetwork } from '../spec/resolve.ts';
import { checkAttachment } from './attachment.ts';
import { ensureBridgeNetwork } from './bridge-network.ts';
import type { BrokerOptions } from './broker-options.ts';
import { type RunBroker, runBroker } from './brokers.ts';
import { grantSecrets } from './grant-secrets.ts';
import { readBlocked } from './read-blocked.ts';
import { ensureRunNetwork, type RunNetwork } from './run-networks.ts';
import { type RunProxiesOptions, runProxies } from './run-proxies.ts';
import type { SwarmNetwork, SwarmNetworks } from './swarm-networks.ts';

/** The networks of one run's agents, and their proxies. */
export interface RunNetworks extends Omit<RunBroker, 'ensure'> {
  /** Create or find the network of an agent's container, once for all agents that share it. */
  ensure(agent: string, signal: AbortSignal): Promise<void>;
  /**
   * Hand secrets to the agent's proxy, which is ensured first. Returns the certificate of the authority of its proxy, as PEM:
   * it signs those of the hosts of these secrets.
   */
  grant(message: GrantMessage, signal: AbortSignal): Promise<string>;
  /** Read the hosts that the proxy blocked for an attempt. Never rejects, since an agent's outcome does not depend on it. */
  readBlocked(agent: string, attempt: number, signal: AbortSignal): Promise<void>;
  /** Return the hosts that `readBlocked` found. */
  blocked(agent: string, attempt: number): readonly string[];
  /** Abort all work. Resolves with true if there was any: its effect is in doubt. */
  close(): Promise<boolean>;
}

export interface RunNetworksOptions extends RunProxiesOptions, BrokerOptions {
  readonly plan: (agent: string) => AgentPlan;
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
  const proxies = runProxies({ ...options, signal }, network);
  const broker = runBroker({ ...options, signal }, request => network(request));
  const blocked = new Map<string, readonly string[]>();

  /** Ensure the network of an agent, and its proxy. Returns the id of the proxy; null if it has none. */
  const ensureOwn = async (agent: AgentPlan, stop: AbortSignal): Promise<string | null> => {
    const request = agent.network;
    const names = proxyOf(agent, runId);
    const ensureAttached = () =>
      names && share(names.proxy, () => proxies.ensureAttached(names.inside), stop);
    if (request.mode === 'bridge') {
      const ofSwarm = request.name === sharedNetwork ? null : await swarmNetworks?.find(request.name, stop);
      if (ofSwarm) refuseSecrets(agent);
      await (ofSwarm ? attach(ofSwarm, stop) : bridge(request.name, stop));
      return ensureAttached();
    }
    if (request.mode === 'isolated') {
      if (swarmNetworks !== null) {
        refuseSecrets(agent);
        await attach(await swarmNetworks.ensureIsolated(stop), stop);
        return null;
      }
      await network({ name: isolatedNetwork(runId), kind: 'open' }, stop);
      return ensureAttached();
    }
    if (request.mode === 'none') return null;
    return share(proxyNames(runId, request.hosts).proxy, () => proxies.ensureListed(request.hosts), stop);
  };

  return {
    ...broker,
    async ensure(agent, stop) {
      await ensureOwn(plan(agent), stop).catch(fail);
      await broker.ensure(plan(agent), stop).catch(fail);
    },
    async grant(message, stop) {
      const proxy = await ensureOwn(plan(message.agent), stop).catch(fail);
      return grantSecrets(docker, proxy!, message, stop);
    },
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

const fail = (error: unknown): never => {
  throw asStepError(error, { fallbackKind: 'network' });
};

/** The proxies of several nodes would have one name. */
function refuseSecrets(agent: AgentPlan): void {
  if (hostSecretsOf(agent).length === 0) return;
  const message =
    'secrets with "hosts" need a network of one engine: with a Docker Swarm, "shared" or {"allow": […]}';
  throw new StepError('network', message);
}
