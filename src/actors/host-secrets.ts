import { hostCertificates } from '../images/host-certificates.ts';
import type { Grant } from '../secret-proxy/grants.ts';
import { hostSecretsOf } from '../spec/host-secrets.ts';
import type { ActorContext } from './context.ts';
import { givenSecrets } from './secrets.ts';

type HostSecretPorts = Pick<ActorContext, 'plan' | 'placeholder' | 'vault' | 'networks'>;

interface NamedGrant extends Grant {
  readonly name: string;
}

interface SplitSecrets {
  /** Values by name, for the agent itself. */
  readonly own: Readonly<Record<string, string>>;
  /** For the proxy. */
  readonly byHost: readonly NamedGrant[];
}

/** Read the secrets of an agent: those that it gets itself, and those that only its proxy gets. Throws if one is missing. */
export function splitSecrets(context: HostSecretPorts, agent: string): SplitSecrets {
  const values = givenSecrets(context, agent);
  const byHost = hostSecretsOf(context.plan(agent)).map(({ name, byHost: { hosts, header } }) => {
    const placeholder = `agent_flow_${context.placeholder(agent, name)}`;
    return { name, placeholder, value: values[name]!, hosts, header };
  });
  const names = byHost.map(({ name }) => name);
  return {
    own: Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name))),
    byHost,
  };
}

/** Return what the agent gets in place of the secrets of its proxy. */
export const placeholders = (byHost: readonly NamedGrant[]): Record<string, string> =>
  Object.fromEntries(byHost.map(({ name, placeholder }) => [name, placeholder]));

/** Hand the secrets to the agent's proxy. Returns the certificate that the agent has to trust; null without such secrets. */
export async function grantSecrets(
  { networks }: HostSecretPorts,
  agent: string,
  byHost: readonly NamedGrant[],
  signal: AbortSignal,
): Promise<string | null> {
  if (byHost.length === 0) return null;
  const grants = byHost.map(({ placeholder, value, header, hosts }) => ({
    placeholder,
    value,
    header,
    hosts,
  }));
  return networks.grant({ agent, grants, authorities: await hostCertificates() }, signal);
}
