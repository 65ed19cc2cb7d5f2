import { createHash } from 'node:crypto';
import type { NetworkPlan } from '../spec/plan.ts';

/** What all networks of a run are called, or begin with. */
export const isolatedNetwork = (runId: string) => `tmux-agents-${runId}`;

/** Whether this network is made for the run alone, and goes with it. */
export const isRunsOwn = (network: NetworkPlan, runId: string) =>
  network.mode === 'isolated' ||
  network.mode === 'allow' ||
  // Of an adopted agent all that is known is the name.
  (network.mode === 'bridge' && network.name.startsWith(isolatedNetwork(runId)));

/** What stands between agents that have these hosts in common and the world outside. */
export function proxyNames(runId: string, hosts: readonly string[]) {
  const list = createHash('sha256').update(hosts.join('\n')).digest('hex').slice(0, 8);
  return {
    /** Has no way out. */
    inside: `${isolatedNetwork(runId)}-${list}`,
    /** The proxies' way out; the run's agents are not on it. */
    outside: `${isolatedNetwork(runId)}-out`,
    proxy: `tmux-agent-${runId}-proxy-${list}`,
    helper: `tmux-agent-${runId}-helper-${list}`,
  };
}
