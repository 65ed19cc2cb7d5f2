import type { BrokeredKey } from '../providers/apis.ts';
import type { Provider } from '../providers/provider.ts';
import { regexOf } from '../providers/regex.ts';
import type { Logins } from './auth.ts';
import type { Finding } from './findings.ts';
import type { AuthPlan, FlowPlan, NetworkPlan, SecretPlan } from './plan.ts';
import type { BrokerPlan } from './secret-plan.ts';

/** The name of the broker on the networks that it shares with agents, and its port. */
export const brokerHost = 'agent-flow-broker';
const brokerPort = 8080;

interface LoginRequest {
  readonly provider: Provider;
  readonly requested: 'brokered' | 'direct' | 'off' | null;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly SecretPlan[];
  readonly network: NetworkPlan;
  readonly args: readonly string[];
  /** Files of logins that it would get. */
  readonly files: AuthPlan['files'];
}

/**
 * Choose how an AI CLI is logged in, and return its environment and secrets. Brokered where that is possible: then each key
 * is a secret that only the broker has, and the variable with the address of its API names the broker.
 */
export function resolveLogin(request: LoginRequest): {
  readonly login: NonNullable<AuthPlan['login']>;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly SecretPlan[];
} {
  const { requested, env, secrets } = request;
  if (requested === 'off') return { login: { mode: 'off' }, env, secrets };
  if (requested === 'direct') return { login: { mode: 'direct', reason: null }, env, secrets };
  const reason = whyDirect(request);
  if (reason !== null) return { login: { mode: 'direct', reason }, env, secrets };
  const keys = brokeredKeys(request);
  const addresses = keys.map(({ address, api }) => [
    address,
    `http://${brokerHost}:${brokerPort}${api.base}`,
  ]);
  return {
    login: { mode: 'brokered' },
    env: { ...env, ...Object.fromEntries(addresses) },
    secrets: secrets.map(secret => {
      const key = keys.find(({ name }) => name === secret.name);
      return key === undefined ? secret : { ...secret, broker: brokerPlan(key, env[key.address]) };
    }),
  };
}

/** Find agents that are to be brokered and cannot be. */
export function findUnbrokered({ agents }: FlowPlan, logins: Logins): Finding[] {
  return agents.flatMap(({ name, provider, auth: { login } }) => {
    const { request, path } = logins.get(name)!;
    if (request.login !== 'brokered' || login?.mode === 'brokered') return [];
    const reason = login?.mode === 'direct' ? login.reason : `"provider" is ${provider}`;
    return [{ path: [...path, 'login'], message: `the broker cannot hold its login: ${reason}` }];
  });
}

const brokeredKeys = ({ provider, secrets }: LoginRequest): readonly BrokeredKey[] =>
  (provider.brokered?.keys ?? []).filter(({ name }) =>
    // Those for some hosts are those of the proxy.
    secrets.some(secret => secret.name === name && secret.byHost === undefined),
  );

/** Return why the AI CLI has to have its login itself; null if the broker can have it. */
function whyDirect(request: LoginRequest): string | null {
  const { provider, env, secrets, network, args, files } = request;
  const { title, brokered, keys, login, otherLogins } = provider;
  if (brokered === undefined) return `${title} takes the address of its API from no variable`;
  const held = brokeredKeys(request);
  if (held.length === 0) {
    const names = brokered.keys.map(({ name }) => name).join(', ');
    return login.length === 0
      ? `it has no key (${names})`
      : `it has no key (${names}), and writes to the files of its login`;
  }
  const other = secrets.find(({ name }) => keys.includes(name) && !held.some(key => key.name === name));
  if (other !== undefined) return `${other.name} is not the key of an API that the broker calls`;
  const unless = regexOf(brokered.unless);
  const selected = Object.keys(env).find(name => env[name] && unless?.test(`${name}=${env[name]}`));
  if (selected !== undefined) return `${selected} selects another API or login`;
  const otherArgs = regexOf(otherLogins.args);
  const argument = args.find(word => otherArgs?.test(word));
  if (argument !== undefined) return `its argument ${argument} selects another API or login`;
  if (network.mode === 'none') return 'its network is "none"';
  const models = provider.models?.file;
  if (models !== undefined && files.some(({ home }) => home === models))
    return `~/${models} has the addresses of its APIs`;
  for (const { address, api } of held) {
    const problem = addressProblem(env[address] ?? api.url);
    if (problem !== null) return `${address} ${problem}`;
  }
  return null;
}

/** Return why the broker cannot call this address; null if it can. */
function addressProblem(address: string | null): string | null {
  if (address === null) return 'is not set';
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) return 'is not an http or https address';
  if (/^(localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\])$/.test(url.hostname))
    return "names the agent's own container";
  return url.username || url.password || url.search || url.hash
    ? 'has a user name, a query or a fragment'
    : null;
}

function brokerPlan({ api, placeholder }: BrokeredKey, address: string | undefined): BrokerPlan {
  const { url, base, paths, header, prefix } = api;
  const upstream = (address ?? url ?? '').replace(/\/+$/, '');
  return { upstream, base, paths, header, prefix, placeholder, isCustom: address !== undefined };
}
