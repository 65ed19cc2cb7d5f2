import type { Finding } from './findings.ts';
import { type AllowedHost, parseHost } from './hosts.ts';
import type { AgentPlan, FlowPlan, SecretPlan } from './plan.ts';
import type { HostSecretPlan } from './secret-plan.ts';

/** The maximum number of hosts of one secret, and of all secrets of a flow: the configuration of the proxy is bounded. */
export const maxSecretHosts = 20;
const maxFlowHosts = 100;

const defaultHeader = 'Authorization: Bearer $';

/** Headers of a connection or of its content, which the proxy sets itself. */
const reservedHeaders = [
  ...['host', 'connection', 'content-length', 'content-encoding', 'transfer-encoding', 'te', 'trailer'],
  ...['upgrade', 'expect', 'accept-encoding', 'range', 'if-range', 'keep-alive', 'proxy-authorization'],
];

/** Return the host with its port, by default that of HTTPS; null for a wildcard or an invalid host. */
export function exactHost(text: string): string | null {
  const parsed = parseHost(text);
  if (parsed === null || parsed.isWildcard) return null;
  const [port] = parsed.ports.length > 1 ? [443] : parsed.ports;
  return `${parsed.name}:${port}`;
}

/** Return why a text is not a header with one `$`; empty if that is obvious; null if it is one. */
export function headerProblem(text: string): string | null {
  const [, name, content] = /^([A-Za-z][A-Za-z0-9-]{0,63}): ?([\x20-\x7e]{1,500})$/.exec(text) ?? [];
  if (name === undefined || content?.split('$').length !== 2) return '';
  return reservedHeaders.includes(name.toLowerCase()) ? `; ${name} belongs to the connection` : null;
}

interface HostSecretField {
  readonly hosts?: readonly string[] | undefined;
  readonly header?: string | undefined;
}

export function resolveByHost({ hosts, header }: HostSecretField): { readonly byHost?: HostSecretPlan } {
  if (hosts === undefined) return {};
  const exact = hosts.map(host => exactHost(host)!);
  return { byHost: { hosts: [...new Set(exact)].sort(), header: header ?? defaultHeader } };
}

type HostSecret = SecretPlan & { readonly byHost: HostSecretPlan };

/** Return the secrets that requests of an agent get from its proxy. */
export const hostSecretsOf = ({ secrets }: Pick<AgentPlan, 'secrets'>): readonly HostSecret[] =>
  secrets.filter((secret): secret is HostSecret => secret.byHost !== undefined);

/** Find secrets for hosts that their agent cannot reach, or whose proxy it could impersonate. */
export function checkHostSecrets({ agents }: FlowPlan): Finding[] {
  const all = new Set(agents.flatMap(hostSecretsOf).flatMap(({ byHost }) => byHost.hosts));
  const found = agents.flatMap(agent => {
    const path = ['agents', agent.name, 'secrets'];
    return problemsOf(agent).map(message => ({ path, message }));
  });
  if (all.size <= maxFlowHosts || found.length > 0) return found;
  const message = `expected at most ${maxFlowHosts} different hosts of secrets`;
  return [{ path: ['agents'], message }];
}

function problemsOf(agent: AgentPlan): string[] {
  const { network, security } = agent;
  const secrets = hostSecretsOf(agent);
  if (secrets.length === 0) return [];
  if (security.capabilities.includes('NET_RAW'))
    return ['with NET_RAW an agent can impersonate another; leave it out, or the "hosts" of secrets'];
  if (network.mode === 'none') return ['secrets with "hosts" need a network; "network" is "none"'];
  if (network.mode !== 'allow') return [];
  const listed = network.hosts.map(host => parseHost(host)!);
  return secrets.flatMap(({ name, byHost }) =>
    byHost.hosts
      .filter(host => !listed.some(entry => includes(entry, host)))
      .map(
        host =>
          `${name} is for ${host.replace(/:443$/, '')}, which is not in "network": {"allow": […]}; add it`,
      ),
  );
}

function includes({ name, isWildcard, ports }: AllowedHost, host: string): boolean {
  const { name: wanted, ports: wantedPorts } = parseHost(host)!;
  const isNamed = isWildcard ? wanted.endsWith(`.${name}`) : wanted === name;
  return isNamed && ports.includes(wantedPorts[0]!);
}
