import { createOwned, findOwned } from '../agent-container/ensure-owned.ts';
import type { AttemptUsage } from '../broker/meter.ts';
import { dockerError } from '../docker/classify-error.ts';
import { matchesMessage } from '../docker/messages.ts';
import type { CallScope } from '../docker/recorder.ts';
import { brokerHost } from '../spec/broker.ts';
import { type BrokerIdentity, brokerArgs, brokerProgram } from './broker-args.ts';
import { usageInLog } from './broker-usage.ts';
import { ownedContainer, type ProxyOptions, removeOurs } from './proxy.ts';

export interface BrokerNetworks {
  /** The id of the network by which it reaches the APIs. */
  readonly outside: string;
  /** Ids of the networks on which agents reach it. */
  readonly inside: readonly string[];
  /** Networks of agents that may have the API of an address that the user has set. */
  readonly ofApis: readonly string[];
}

/**
 * Create the broker on these networks and start it, or find it. One that does not run is replaced: its keys are gone with
 * its memory. Returns its id, and the usage that the replaced one has counted.
 */
export async function ensureBroker(
  identity: BrokerIdentity,
  networks: BrokerNetworks,
  options: ProxyOptions,
): Promise<{ readonly id: string; readonly used: readonly AttemptUsage[] }> {
  const { docker, signal } = options;
  const args = brokerArgs(identity);
  const request = { owned: identity, args, operation: 'create the broker' };
  const broker = ownedContainer(identity.names.broker, request, options);
  const found = await findOwned(broker);
  const isUsable =
    found?.state === 'running' && found.image === identity.image && found.networks.includes(networks.outside);
  const used = found && !isUsable ? await usageInLog(found.id, options) : [];
  if (found && !isUsable) await removeOurs(found.id, options);
  const id = isUsable ? found.id : await createOwned(broker);
  const joined = isUsable ? found.networks : [];
  for (const network of networks.inside)
    if (!joined.includes(network)) await connect(id, { network, alias: brokerHost }, options);
  for (const network of networks.ofApis) await connect(id, { network, alias: null }, options);
  if (isUsable) return { id, used };
  const started = await docker(['start', id], { timeout: 120_000, signal, isMutation: true });
  if (!started.ok) throw dockerError(started, { operation: 'start the broker' });
  return { id, used };
}

/** Send all credentials to the broker, on the standard input of a program in its container. */
export async function loadCredentials(
  id: string,
  credentials: string,
  { docker, signal }: ProxyOptions,
): Promise<void> {
  const args = ['exec', '--interactive', id, ...brokerProgram, 'load'];
  const result = await docker(args, { timeout: 60_000, signal, isMutation: true, input: credentials });
  if (!result.ok)
    throw dockerError(result, { operation: 'give the broker its keys', fallbackKind: 'transient' });
}

/** Connect a container to a network, unless it is on it. */
export async function connect(
  id: string,
  { network, alias }: { readonly network: string; readonly alias: string | null },
  { docker, signal, scope = null }: ProxyOptions & { readonly scope?: CallScope | null },
): Promise<void> {
  const flags = alias === null ? [] : [`--alias=${alias}`];
  const args = ['network', 'connect', ...flags, network, id];
  const result = await docker(args, { timeout: 120_000, signal, scope, isMutation: true });
  if (!result.ok && !matchesMessage('endpointExists', result.stderr))
    throw dockerError(result, { operation: 'connect the container to the network of the broker' });
}
