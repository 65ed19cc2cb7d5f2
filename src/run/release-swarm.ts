import { removeUntilAbsent } from '../agent-container/absence-checks.ts';
import type { Docker } from '../docker/cli.ts';
import type { RunOwner } from '../docker/labels.ts';
import { listRunNetworks, removeRunNetwork } from '../networks/run-networks.ts';
import { findReservations, removeReservation } from '../swarm/reservation.ts';
import type { RemainingContainers } from './fleet.ts';

export interface SwarmRelease extends RemainingContainers {
  readonly owner: RunOwner;
  /** The other engines with containers of the run. */
  readonly engines: readonly Docker[];
  readonly hasNetworks: boolean;
  /** A create of a network was interrupted, by this process or by a crash, and may still take effect. */
  readonly inDoubt: boolean;
  readonly sleep: (ms: number) => Promise<void>;
}

/**
 * Remove what a run has in its Docker Swarm beside the containers on its nodes, which are removed before. Returns the names
 * of what may be left, for messages.
 */
export async function releaseSwarm(manager: Docker, release: SwarmRelease): Promise<readonly string[]> {
  const isReleased = await releaseRooms(manager, release.owner).then(
    () => true,
    () => false,
  );
  const networks = ["this run's networks of the Docker Swarm"];
  // Managers without a leader list no networks, and report no error.
  if (!isReleased) return ["this run's reservations", ...(release.hasNetworks ? networks : [])];
  return release.hasNetworks ? removeNetworks(manager, release).catch(() => networks) : [];
}

async function releaseRooms(manager: Docker, owner: RunOwner): Promise<void> {
  for (const { name } of await findReservations(manager, owner)) await removeReservation(manager, name);
}

const maxChecks = 6;

async function removeNetworks(
  manager: Docker,
  { inDoubt, sleep, ...release }: Omit<SwarmRelease, 'hasNetworks'>,
) {
  return removeUntilAbsent(() => removeNetworksOnce(manager, release), { inDoubt, sleep, maxChecks });
}

async function removeNetworksOnce(
  manager: Docker,
  { owner, engines, isComplete, kept }: Pick<SwarmRelease, 'owner' | 'engines' | 'isComplete' | 'kept'>,
) {
  const list = () => listRunNetworks(manager, 'overlay', owner);
  const found = await list().catch(list).catch(list);
  const left: string[] = [];
  let stay = 0;
  for (const id of found) {
    // A container on a node that cannot be reached may be kept, and cannot be started again without its network.
    const remaining = isComplete ? await removeRunNetwork(manager, id, engines) : { users: [] };
    if (remaining === null) continue;
    if (remaining.users.length > 0 && remaining.users.every(user => kept.has(user))) stay++;
    else left.push(`network ${id.slice(0, 12)}`);
  }
  return { found: found.length - stay, left };
}
