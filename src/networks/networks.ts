import { asStepError } from '../../machines/step-error.ts';
import { isolatedNetwork, proxyNames } from '../agent-container/names.ts';
import type { Docker } from '../docker/cli.ts';
import { containers } from '../docker/containers.ts';
import { isOwned } from '../docker/labels.ts';
import type { Recorder } from '../docker/recorder.ts';
import type { SupportedLimits } from '../docker/resource-limits.ts';
import { raceAbort, singleFlight } from '../docker/single-flight.ts';
import { followLines } from '../docker/stream.ts';
import type { ImageContext } from '../images/inspect.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { ensureBridgeNetwork } from './bridge-network.ts';
import { ensureProxy } from './proxy.ts';
import { verifyEgressRules } from './proxy-check.ts';
import { ensureProxyImage } from './proxy-image.ts';
import { blockedHosts } from './proxy-log.ts';
import { ensureRunNetwork, type RunNetwork } from './run-networks.ts';

/** What the agents of one run are connected to, and the proxies among it. */
export interface RunNetworks {
  /** Makes sure of what the agent's container is to be on; what several agents have in common once for all. */
  ensure(agent: string, signal: AbortSignal): Promise<void>;
  /** Reads what the proxy has kept an attempt from. Never rejects: an agent's verdict does not hang on it. */
  readBlocked(agent: string, attempt: number, signal: AbortSignal): Promise<void>;
  /** What was read. */
  blocked(agent: string, attempt: number): readonly string[];
  /** Ends what is under way. True where there was anything: Docker may still bring it about. */
  close(): Promise<boolean>;
}

export interface RunNetworksOptions {
  readonly plan: (agent: string) => AgentPlan;
  readonly instance: string;
  readonly runId: string;
  readonly docker: Docker;
  readonly recorder: Recorder;
  readonly images: ImageContext;
  readonly supportedLimits: SupportedLimits;
  /** Milliseconds for the proxy's image. */
  readonly buildTimeout: number;
  readonly signal: AbortSignal;
}

export function runNetworks(options: RunNetworksOptions): RunNetworks {
  const { plan, instance, runId, docker, recorder, images, buildTimeout, supportedLimits } = options;
  const closing = new AbortController();
  const signal = AbortSignal.any([options.signal, closing.signal]);
  const common = { docker, instance, runId, signal };
  const named = singleFlight(name => ensureBridgeNetwork(name, { docker, instance, signal: options.signal }));
  const isChecked = new Set<string>();
  const read = new Map<string, readonly string[]>();
  const underWay = new Map<string, Promise<unknown>>();

  /** Not done once and for all: what was made sure of for one attempt may be gone before the next. */
  const together = (key: string, work: () => Promise<unknown>, stop: AbortSignal) => {
    let flight = underWay.get(key);
    if (!flight) {
      flight = work().finally(() => underWay.delete(key));
      underWay.set(key, flight);
      // Also where everybody who asked for it has gone.
      flight.catch(() => {});
    }
    return raceAbort(flight, stop);
  };
  const network = (wish: RunNetwork) =>
    together(`network ${wish.name}`, () => ensureRunNetwork(wish, common), signal) as Promise<string>;

  const behindProxy = async (hosts: readonly string[]) => {
    const names = proxyNames(runId, hosts);
    const image = (await ensureProxyImage(buildTimeout, { ...images, signal })).id;
    const outside = await network({ name: names.outside, kind: 'peerIsolated' });
    const inside = await network({ name: names.inside, kind: 'internal' });
    const identity = { instance, runId, names, image, supportedLimits };
    const isNew = await ensureProxy(identity, { hosts, networks: { inside, outside } }, common);
    if (!isNew && isChecked.has(names.proxy)) return;
    await verifyEgressRules(identity, common);
    isChecked.add(names.proxy);
  };

  const ensure = async (agent: string, stop: AbortSignal) => {
    const wish = plan(agent).network;
    if (wish.mode === 'bridge') await named(wish.name, stop);
    if (wish.mode === 'isolated')
      await raceAbort(network({ name: isolatedNetwork(runId), kind: 'open' }), stop);
    if (wish.mode === 'allow')
      await together(proxyNames(runId, wish.hosts).proxy, () => behindProxy(wish.hosts), stop);
  };

  return {
    ensure: (agent, stop) =>
      ensure(agent, stop).catch(error => {
        throw asStepError(error, { fallbackKind: 'network' });
      }),
    async readBlocked(agent, attempt, stop) {
      const { network } = plan(agent);
      if (network.mode !== 'allow') return;
      const log = blockedHosts(runId, agent, attempt);
      try {
        const name = proxyNames(runId, network.hosts).proxy;
        const [proxy] = await containers(docker).inspect([name], { signal: stop });
        if (!proxy || !isOwned(proxy.labels, common)) return;
        await followLines(recorder, ['logs', proxy.id], log.read, {
          signal: stop,
          owner: { agent, attempt },
        });
      } catch {
        // What has been read so far is told.
      } finally {
        read.set(`${agent} ${attempt}`, log.hosts());
      }
    },
    blocked: (agent, attempt) => read.get(`${agent} ${attempt}`) ?? [],
    async close() {
      const flights = [...underWay.values()];
      closing.abort();
      await Promise.allSettled(flights);
      return flights.length > 0;
    },
  };
}
