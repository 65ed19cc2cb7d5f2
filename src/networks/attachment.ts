import { StepError } from '../../machines/step-error.ts';
import { notOurs } from '../agent-container/ensure-owned.ts';
import type { Docker } from '../docker/cli.ts';
import { inspectNetworks } from '../docker/networks.ts';
import type { SwarmNetwork } from './swarm-networks.ts';

/** The bridge of a node by which all containers on overlay networks reach the outside. */
const gateway = 'docker_gwbridge';
const peers = 'com.docker.network.bridge.enable_icc';

/**
 * Check that containers of a node can be on a network of its Swarm and are separated from those on other networks. The node
 * itself knows the network only while a container is on it. Throws a `StepError` of the kind `network` or `nameConflict`.
 */
export async function checkAttachment(
  { id, name }: SwarmNetwork,
  { docker, signal }: { readonly docker: Docker; readonly signal: AbortSignal },
): Promise<void> {
  const found = await inspectNetworks(docker, [gateway, name], { signal });
  // Docker would put the container on the network of the node, and not on that of the Swarm.
  const other = found.find(network => network.name === name && network.id !== id);
  if (other !== undefined) throw notOurs('network', name, other);
  const bridge = found.find(network => network.name === gateway);
  // Docker creates it with this option if it does not exist.
  if (bridge !== undefined && bridge.options[peers] !== 'false') throw new StepError('network', openGateway);
}

const openGateway = `containers on ${gateway} can reach each other, so that the network would not be isolated. Create ${gateway} anew with --opt ${peers}=false`;
