import type { Providers } from '../providers/catalogue.ts';
import type { Provider } from '../providers/provider.ts';
import { isObject } from './fields.ts';
import type { Finding, Path } from './findings.ts';
import { hostPresets, providerPreset } from './host-presets.ts';
import { hostProblem, maxPlannedHosts } from './hosts.ts';
import type { AgentPlan } from './plan.ts';
import { providerOf } from './providers.ts';
import type { Spec } from './schema.ts';

interface AllowField {
  readonly allow: readonly string[];
  readonly provider?: boolean | undefined;
}

/** An agent as far as its hosts depend on it; a command has no provider. */
interface Agent {
  readonly provider: Provider | undefined;
  readonly env: Readonly<Record<string, string>>;
}

interface AgentFields {
  readonly path: Path;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Return the hosts that `network.allow` permits: presets are expanded, and those of the agent's provider added. */
export function allowedHosts({ allow, provider }: AllowField, agent: Agent): string[] {
  const listed = allow.flatMap(entry => {
    if (entry === providerPreset) return providerHosts(agent);
    return entry.startsWith('@') ? hostPresets[entry.slice(1)]! : [entry];
  });
  const own = provider === false ? [] : providerHosts(agent);
  return [...new Set([...listed, ...own])].sort();
}

/** Return the hosts of an agent's provider, with those of the addresses that the caller has set for it; none for a command. */
function providerHosts({ provider, env }: Agent): string[] {
  if (provider === undefined) return [];
  const configured = addressesOf(provider, env).map(({ host }) => host);
  return [...provider.hosts, ...configured.filter(host => hostProblem(host) === null)];
}

/** Return the hosts of the URLs in variables that a provider reads. An address of the container itself needs no proxy. */
function addressesOf({ passThroughEnv }: Provider, env: Readonly<Record<string, string>>) {
  return passThroughEnv.flatMap(variable => {
    const value = env[variable] ?? '';
    if (!/^https?:\/\//i.test(value) || !URL.canParse(value)) return [];
    const { hostname, port, protocol } = new URL(value);
    if (isLoopback(hostname)) return [];
    return [{ variable, host: `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}` }];
  });
}

const isLoopback = (name: string) => /^(localhost|127\.[\d.]+|\[::1\])$/.test(name);

/** Find lists of hosts that allow nothing, or name a provider where there is none. */
export function checkAllowed(
  { path, fields }: AgentFields,
  { shared, providers }: { shared: AgentFields; providers: Providers },
): Finding[] {
  const { network = shared.fields.network } = fields;
  if (!isObject(network) || !Array.isArray(network.allow)) return [];
  // A list in `defaults` may suit other agents.
  const from = [...path, ...('network' in fields ? ['network', 'allow'] : ['network'])];
  const hasProvider = providers.has(providerOf(fields, shared.fields));
  const index = network.allow.indexOf(providerPreset);
  if (index >= 0 && !hasProvider) {
    const message = `${String(path.at(-1))} has no "provider"; name one, or leave "${providerPreset}" out`;
    return [{ path: 'network' in fields ? [...from, index] : from, message }];
  }
  if (network.allow.length > 0 || (hasProvider && network.provider !== false)) return [];
  const message = 'expected at least one host; "network": "none" is for an agent that needs none';
  return [{ path: from, value: network.allow, message }];
}

/** Find lists of hosts that are too long once they are expanded, and addresses of a provider that a list cannot contain. */
export function checkExpanded(
  spec: Spec,
  { agents, providers }: { agents: readonly AgentPlan[]; providers: Providers },
): Finding[] {
  return agents.flatMap(agent => {
    const network = spec.agents[agent.name]?.network ?? spec.defaults?.network;
    if (typeof network !== 'object' || network.allow === undefined) return [];
    const path = ['agents', agent.name, 'network'];
    const addresses = usesProvider(network as AllowField)
      ? unreachable(agent, providers.get(agent.provider))
      : [];
    if (agent.network.mode === 'allow' && agent.network.hosts.length <= maxPlannedHosts)
      return addresses.map(message => ({ path, message }));
    return [{ path, message: `expected at most ${maxPlannedHosts} hosts with those of its presets` }];
  });
}

const usesProvider = ({ allow, provider }: AllowField) =>
  provider !== false || allow.includes(providerPreset);

function unreachable(agent: AgentPlan, provider: Provider | undefined): string[] {
  // The broker has addresses of its own.
  if (provider === undefined || agent.auth.login?.mode === 'brokered') return [];
  return addressesOf(provider, agent.env).flatMap(({ variable, host }) =>
    hostProblem(host) === null
      ? []
      : [
          `${variable} has the host ${host}, which "allow" cannot contain (no IP addresses, and only names with a dot); give it such a name, or set "provider": false`,
        ],
  );
}
