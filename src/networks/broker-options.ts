import { containerNamePrefix } from '../agent-container/names.ts';
import type { Credential } from '../broker/credentials.ts';
import type { Docker } from '../docker/cli.ts';
import type { SupportedLimits } from '../docker/resource-limits.ts';
import type { Watcher } from '../docker/watch.ts';
import type { ImageContext } from '../images/inspect.ts';
import type { Vault } from '../secrets/vault.ts';
import type { AgentPlan } from '../spec/plan.ts';

export interface BrokerOptions {
  /** The agents on the host of these networks. */
  readonly agents: readonly AgentPlan[];
  readonly instance: string;
  readonly runId: string;
  readonly docker: Docker;
  readonly vault: Vault;
  readonly placeholder: (agent: string, variable: string) => string;
  readonly watcher: Pick<Watcher, 'ended'>;
  readonly images: ImageContext;
  readonly supportedLimits: SupportedLimits;
  /** The engine has other files than this machine. */
  readonly hasOtherFiles: boolean;
  /** Milliseconds. */
  readonly buildTimeout: number;
  readonly signal: AbortSignal;
}

/** Return the credentials of an agent; null while one of its secrets is missing. */
export function credentialsOf(
  agent: AgentPlan,
  { vault, placeholder, runId }: BrokerOptions,
): readonly Credential[] | null {
  const found = vault.open(agent);
  if ('missing' in found) return null;
  return agent.secrets.flatMap(({ name, broker }): Credential[] => {
    if (broker === undefined) return [];
    const { upstream, base, paths, header, prefix } = broker;
    return [
      {
        ...{ upstream, base, paths, header, prefix },
        placeholder: placeholder(agent.name, name),
        agent: agent.name,
        container: containerNamePrefix(runId, agent.name),
        key: found.values[name]!,
      },
    ];
  });
}
