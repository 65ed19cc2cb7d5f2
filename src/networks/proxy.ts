import { createOwned, findOwned, notOurs, type OwnedResource } from '../agent-container/ensure-owned.ts';
import { dockerError } from '../docker/classify-error.ts';
import type { Docker } from '../docker/cli.ts';
import { type Container, containers } from '../docker/containers.ts';
import { createNamedContainer } from '../docker/create-container.ts';
import { isOwned, type RunOwner } from '../docker/labels.ts';
import { matchesMessage } from '../docker/messages.ts';
import { type ProxyIdentity, proxyArgs } from './proxy-args.ts';
import type { ProxyRules } from './squid-conf.ts';

export interface ProxyOptions {
  readonly docker: Docker;
  readonly signal: AbortSignal;
}

/** The ids of the networks of a proxy for a list of hosts. */
interface ProxyNetworks {
  readonly inside: string;
  readonly outside: string;
}

export interface ProxyRequest {
  readonly rules: ProxyRules;
  /** null: it is created on the network of its agents, and on no other. */
  readonly networks: ProxyNetworks | null;
}

/**
 * Create a proxy between these networks, or find it. An incomplete one, such as a crash leaves between its creation and its
 * start, is replaced: secrets are handed to it again. Returns its id, and whether it is new.
 */
export async function ensureProxy(
  identity: ProxyIdentity,
  { rules, networks }: ProxyRequest,
  options: ProxyOptions,
): Promise<{ readonly id: string; readonly isNew: boolean }> {
  const { docker, signal } = options;
  const limits = { timeout: 120_000, signal, isMutation: true };
  const proxy = ownedContainer(
    identity.names.proxy,
    { owned: identity, args: proxyArgs(identity, rules), operation: 'create the proxy' },
    options,
  );
  const found = await findOwned(proxy);
  const wanted = networks === null ? [] : [networks.inside, networks.outside];
  const isComplete =
    found?.state === 'running' &&
    found.image === identity.image &&
    wanted.every(id => found.networks.includes(id));
  if (isComplete) return { id: found.id, isNew: false };
  if (found) await removeOurs(found.id, options);

  const id = await createOwned(proxy);
  if (networks !== null) {
    const connected = await docker(['network', 'connect', networks.inside, id], limits);
    if (!connected.ok) throw dockerError(connected, { operation: 'connect the proxy' });
  }
  const started = await docker(['start', id], limits);
  if (!started.ok) throw dockerError(started, { operation: 'start the proxy' });
  return { id, isNew: true };
}

/** Describe a container of the run that can be replaced at any time, such as its proxy. */
export function ownedContainer(
  name: string,
  {
    owned,
    ...request
  }: { readonly owned: RunOwner; readonly args: readonly string[]; readonly operation: string },
  { docker, signal }: ProxyOptions,
): OwnedResource<Container> {
  return {
    ...{ type: 'container', name },
    async find() {
      const [found = null] = await containers(docker).inspect([name], { signal });
      return found;
    },
    create: () => createNamedContainer(docker, request.args, { operation: request.operation, signal }),
    refusal: found => (isOwned(found.labels, owned) ? null : notOurs('container', name, found)),
  };
}

export async function removeOurs(id: string, { docker, signal }: ProxyOptions): Promise<void> {
  const args = ['rm', '--force', '--volumes', id];
  const result = await docker(args, { timeout: 60_000, signal, isMutation: true });
  if (!result.ok && !matchesMessage('noContainer', result.stderr))
    throw dockerError(result, { operation: 'remove the container of an earlier try' });
}
