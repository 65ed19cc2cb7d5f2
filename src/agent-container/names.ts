import { createHash } from 'node:crypto';
import type { CallScope } from '../docker/recorder.ts';
import { hostSecretsOf } from '../spec/host-secrets.ts';
import type { AgentPlan, NetworkPlan } from '../spec/plan.ts';

/** The name of the tmux session in every agent container. */
export const sessionName = 'agent';

export const containerName = (runId: string, agent: string, attempt: number) =>
  `${containerNamePrefix(runId, agent)}${attempt}`;

/** Return the beginning of the names of a run's containers, or of those of one agent. */
export const containerNamePrefix = (runId: string, agent?: string) =>
  agent === undefined ? `tmux-agent-${runId}-` : `tmux-agent-${runId}-${agent}-`;

/** Return the name of the service that keeps the room of an attempt in a Docker Swarm. No container of an agent begins like it. */
export const reservationName = (runId: string, { agent, attempt }: CallScope) =>
  `tmux-reserve-${runId}-${agent}-${attempt}`;

/** Return the name of a volume of an attempt: the clone that it works in, what is collected from it, a clone to repair it, or the work that is checked. */
export const attemptVolume = (
  runId: string,
  { agent, attempt }: CallScope,
  purpose: 'workspace' | 'bundle' | 'spare' | 'check',
) => `${containerName(runId, agent, attempt)}-${purpose}`;

/** Return the name of the volume with a repository of the client, from which clones of a commit are made. */
export const repositoryVolume = (runId: string, repository: string, commit: string) => {
  const id = createHash('sha256').update(`${repository}\n${commit}`).digest('hex').slice(0, 12);
  return `tmux-agents-${runId}-repository-${id}`;
};

/** Return the name of a run's network, which is a prefix of the names of its other networks. */
export const isolatedNetwork = (runId: string) => `tmux-agents-${runId}`;

/** Return whether the agent is on a network that belongs to the run, and is removed with it. */
export const isOnRunsOwn = ({ network, secrets }: Pick<AgentPlan, 'network' | 'secrets'>, runId: string) =>
  network.mode === 'allow' || isBrokered({ secrets }) || isOnIsolated(network, runId);

/** Return whether the broker of the run has a key of the agent. */
export const isBrokered = ({ secrets }: Pick<AgentPlan, 'secrets'>) =>
  secrets.some(({ broker }) => broker !== undefined);

/** Return whether this network may be the isolated one of the run. */
export const isOnIsolated = (network: NetworkPlan, runId: string) =>
  network.mode === 'isolated' ||
  // For an adopted agent only the name is known.
  (network.mode === 'bridge' && network.name.startsWith(isolatedNetwork(runId)));

/** Return the names of the run's broker and of the network by which it reaches the APIs. */
export const brokerNames = (runId: string) => ({
  broker: `tmux-agent-${runId}-broker`,
  outside: `${isolatedNetwork(runId)}-out`,
});

/**
 * Return the internal network on which agents with this network reach the broker, in addition to their own; the broker is
 * no way from one network to another. The agents of a proxy are on an internal one already.
 */
export function brokerNetwork(runId: string, network: NetworkPlan): { name: string; isOwn: boolean } {
  if (network.mode === 'allow') return { name: proxyNames(runId, network.hosts).inside, isOwn: false };
  const key = shortHash(JSON.stringify(network));
  return { name: `${isolatedNetwork(runId)}-broker-${key}`, isOwn: true };
}

/** Return the names of the proxy and the networks for agents with this list of allowed hosts. */
export function proxyNames(runId: string, hosts: readonly string[]) {
  const list = shortHash(hosts.join('\n'));
  return {
    /** The agents' network, without a route outside. */
    inside: `${isolatedNetwork(runId)}-${list}`,
    /** The proxies' network with a route outside; no agent is on it. */
    outside: `${isolatedNetwork(runId)}-out`,
    proxy: `tmux-agent-${runId}-proxy-${list}`,
    helper: `tmux-agent-${runId}-helper-${list}`,
  };
}

const shortHash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** Return the names of the proxy that serves the secrets of agents on a network with a route outside. */
export const attachedProxyNames = (runId: string, network: string) => ({
  inside: network,
  // No host has such a name, so that the hash is not that of a list.
  proxy: `tmux-agent-${runId}-proxy-${shortHash(`network ${network}`)}`,
});

/** Return the names of an agent's proxy and its network: for its list of hosts, or for its secrets; null if it has none. */
export function proxyOf(
  agent: Pick<AgentPlan, 'network' | 'secrets'>,
  runId: string,
): { readonly proxy: string; readonly inside: string } | null {
  const { network } = agent;
  if (network.mode === 'allow') return proxyNames(runId, network.hosts);
  if (network.mode === 'none' || hostSecretsOf(agent).length === 0) return null;
  return attachedProxyNames(runId, network.mode === 'bridge' ? network.name : isolatedNetwork(runId));
}
