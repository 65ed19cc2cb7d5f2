import { asStepError, StepError } from '../../machines/step-error.ts';
import { ensureOwned, notOurs } from '../agent-container/ensure-owned.ts';
import { isolatedNetwork } from '../agent-container/names.ts';
import { backoff } from '../async/backoff.ts';
import { memoizeAsync } from '../async/memoize.ts';
import { sharedWork } from '../async/shared-work.ts';
import type { Clock } from '../clock.ts';
import type { Docker } from '../docker/cli.ts';
import { isOwned, labelFlags, ownedLabels, type RunOwner } from '../docker/labels.ts';
import { createNetwork, type FoundNetwork, inspectNetworks } from '../docker/networks.ts';

/** A network of a Docker Swarm. */
export type SwarmNetwork = Pick<FoundNetwork, 'id' | 'name'>;

/** The overlay networks of a Docker Swarm that agents of a run are on, whichever node each is placed on. */
export interface SwarmNetworks {
  /** Create or find the isolated network of the run, once for all agents that share it. */
  ensureIsolated(signal: AbortSignal): Promise<SwarmNetwork>;
  /** Find a network of the Swarm by its name; null without one. Throws for one that agents cannot be on. */
  find(name: string, signal: AbortSignal): Promise<SwarmNetwork | null>;
  /** Abort all work. Resolves with true if there was any: its effect is in doubt. */
  close(): Promise<boolean>;
}

export interface SwarmNetworksOptions extends RunOwner {
  /** The docker client of a manager: no other node can create a network of the Swarm, or knows those that it is not on. */
  readonly docker: Docker;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly signal: AbortSignal;
}

/** Milliseconds between two calls to managers that do not respond. */
const pauses = { baseMs: 1_000, maxMs: 30_000 };

export function swarmNetworks(options: SwarmNetworksOptions): SwarmNetworks {
  const { docker, clock, runId } = options;
  const closing = new AbortController();
  const signal = AbortSignal.any([options.signal, closing.signal]);
  const { share, underWay } = sharedWork();
  /** The node of an agent responds when its managers may not, so that they are waited for here. */
  const whenManaged = async <T>(work: () => Promise<T>): Promise<T> => {
    for (let failures = 1; ; failures++) {
      try {
        return await work();
      } catch (error) {
        if (signal.aborted || asStepError(error).kind !== 'unreachable') throw error;
        await clock.sleep(backoff(failures, pauses), signal);
      }
    }
  };
  const name = isolatedNetwork(runId);
  const ensure = () => ensureIsolated(name, { ...options, signal });
  const find = memoizeAsync(wanted => whenManaged(() => findAttachable(wanted, docker, signal)));
  return {
    ensureIsolated: stop => share(name, () => whenManaged(ensure), stop),
    find,
    async close() {
      const flights = underWay();
      closing.abort();
      await Promise.allSettled(flights);
      return flights.length > 0;
    },
  };
}

/** Create the overlay network, or find it. Swarm accepts a name once, so that of two creates at one instant one succeeds. */
async function ensureIsolated(name: string, options: SwarmNetworksOptions): Promise<SwarmNetwork> {
  const { docker, signal } = options;
  const flags = ['--driver=overlay', '--attachable', ...labelFlags(ownedLabels(options, 'network'))];
  const id = await ensureOwned(
    {
      ...{ type: 'network', name },
      find: () => findNetwork(name, docker, signal),
      async create() {
        await createNetwork(name, flags, { docker, signal });
        return null;
      },
      refusal(found) {
        if (!isOwned(found.labels, options)) return notOurs('network', name, found);
        const problem = found.isInternal ? 'is internal' : attachProblem(found);
        return problem === null ? null : new StepError('network', unlikeRequested(name, problem));
      },
    },
    { findFirst: true },
  );
  return { id, name };
}

async function findAttachable(
  name: string,
  docker: Docker,
  signal: AbortSignal,
): Promise<SwarmNetwork | null> {
  const found = await findNetwork(name, docker, signal);
  if (!found?.isOfSwarm) return null;
  const problem = attachProblem(found);
  if (problem === null) return { id: found.id, name };
  throw new StepError('network', unusable(name, problem));
}

/** Find a network by its name. `docker network ls` does not match the networks of a Swarm by a pattern. */
async function findNetwork(name: string, docker: Docker, signal: AbortSignal): Promise<FoundNetwork | null> {
  const found = await inspectNetworks(docker, [name], { signal });
  // Docker takes the beginning of an id as well.
  return found.find(network => network.name === name) ?? null;
}

/** Return why agents cannot be on the network; null if they can. */
function attachProblem({ driver, isOfSwarm, isAttachable }: FoundNetwork): string | null {
  if (driver !== 'overlay') return `has the driver ${driver}, not overlay`;
  if (!isOfSwarm) return 'is not one of the Docker Swarm';
  return isAttachable ? null : 'is not attachable';
}

const unlikeRequested = (name: string, problem: string) =>
  `the network ${name} ${problem}, unlike the requested one. Remove it: docker network rm ${name}`;

const unusable = (name: string, problem: string) =>
  `the network ${name} of the Docker Swarm ${problem}, so that only services can be on it. Name another with "network", or create it anew: docker network create --driver overlay --attachable ${name}`;
