import { createHash } from 'node:crypto';
import type { NetworkPlan } from '../spec/plan.ts';

/** The name of the tmux session in every agent container. */
export const sessionName = 'agent';

export const containerName = (runId: string, agent: string, attempt: number) =>
  `${containerNamePrefix(runId, agent)}${attempt}`;

/** Return the beginning of the names of a run's containers, or of those of one agent. */
export const containerNamePrefix = (runId: string, agent?: string) =>
  agent === undefined ? `tmux-agent-${runId}-` : `tmux-agent-${runId}-${agent}-`;

/** Return the name of a run's network, which is a prefix of the names of its other networks. */
export const isolatedNetwork = (runId: string) => `tmux-agents-${runId}`;

/** Return whether this network belongs to the run, and is removed with it. */
export const isRunsOwn = (network: NetworkPlan, runId: string) =>
  network.mode === 'isolated' ||
  network.mode === 'allow' ||
  // For an adopted agent only the name is known.
  (network.mode === 'bridge' && network.name.startsWith(isolatedNetwork(runId)));

/** Return the names of the proxy and the networks for agents with this list of allowed hosts. */
export function proxyNames(runId: string, hosts: readonly string[]) {
  const list = createHash('sha256').update(hosts.join('\n')).digest('hex').slice(0, 8);
  return {
    /** The agents' network, without a route outside. */
    inside: `${isolatedNetwork(runId)}-${list}`,
    /** The proxies' network with a route outside; no agent is on it. */
    outside: `${isolatedNetwork(runId)}-out`,
    proxy: `tmux-agent-${runId}-proxy-${list}`,
    helper: `tmux-agent-${runId}-helper-${list}`,
  };
}
