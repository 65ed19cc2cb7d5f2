import { attachedProxyNames, proxyNames, proxyOf } from '../agent-container/names.ts';
import type { Docker } from '../docker/cli.ts';
import type { SupportedLimits } from '../docker/resource-limits.ts';
import type { ImageContext } from '../images/inspect.ts';
import { ensureServiceImage } from '../images/service-image.ts';
import { hostSecretsOf } from '../spec/host-secrets.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { ensureProxy, type ProxyRequest } from './proxy.ts';
import type { ProxyNames } from './proxy-args.ts';
import { verifyEgressRules } from './proxy-check.ts';
import type { RunNetwork } from './run-networks.ts';

export interface RunProxiesOptions {
  /** All agents on the engine. */
  readonly agents: readonly AgentPlan[];
  readonly instance: string;
  readonly runId: string;
  readonly docker: Docker;
  readonly images: ImageContext;
  readonly supportedLimits: SupportedLimits;
  /** Milliseconds for a build of the proxy's image. */
  readonly buildTimeout: number;
  readonly signal: AbortSignal;
}

/** The proxies of one run. Each is made once, for all agents that share it. */
export interface RunProxies {
  /** Ensure the networks and the proxy of a list of hosts, and verify its rules once. Returns the id of the proxy. */
  ensureListed(hosts: readonly string[]): Promise<string>;
  /** Ensure the proxy for the secrets of agents on this network, which exists. Returns its id. */
  ensureAttached(network: string): Promise<string>;
}

export function runProxies(
  options: RunProxiesOptions,
  network: (request: RunNetwork) => Promise<string>,
): RunProxies {
  const { instance, runId, docker, images, buildTimeout, supportedLimits, signal, agents } = options;
  const common = { docker, instance, runId, signal };
  const verified = new Set<string>();
  const hostsByProxy = secretHostsByProxy(agents, runId);

  const ensure = async <Names extends ProxyNames>(
    names: Names,
    request: Omit<ProxyRequest, 'rules'>,
    hosts: readonly string[] | null,
  ) => {
    const image = (await ensureServiceImage('proxy', buildTimeout, { ...images, signal })).id;
    const identity = { instance, runId, names, image, supportedLimits };
    const secretHosts = [...(hostsByProxy.get(names.proxy) ?? [])].sort();
    const rules = { hosts, secretHosts };
    return { ...(await ensureProxy(identity, { ...request, rules }, common)), identity };
  };

  return {
    async ensureListed(hosts) {
      const names = proxyNames(runId, hosts);
      const outside = await network({ name: names.outside, kind: 'peerIsolated' });
      const inside = await network({ name: names.inside, kind: 'internal' });
      const { id, isNew, identity } = await ensure(names, { networks: { inside, outside } }, hosts);
      if (!isNew && verified.has(names.proxy)) return id;
      await verifyEgressRules(identity, common);
      verified.add(names.proxy);
      return id;
    },
    ensureAttached: async name =>
      (await ensure(attachedProxyNames(runId, name), { networks: null }, null)).id,
  };
}

/** Return the hosts of the secrets of all agents that share a proxy, by its name. */
function secretHostsByProxy(agents: readonly AgentPlan[], runId: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const agent of agents) {
    const hosts = hostSecretsOf(agent).flatMap(({ byHost }) => byHost.hosts);
    const name = hosts.length === 0 ? null : proxyOf(agent, runId)?.proxy;
    if (name) found.set(name, new Set([...(found.get(name) ?? []), ...hosts]));
  }
  return found;
}
