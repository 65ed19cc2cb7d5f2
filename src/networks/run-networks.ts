import { setTimeout as delay } from 'node:timers/promises';
import { StepError } from '../../machines/step-error.ts';
import { ensureOwned, notOurs } from '../agent-container/ensure-owned.ts';
import type { Docker } from '../docker/cli.ts';
import { containers } from '../docker/containers.ts';
import { isOwned, label, labelFilter, labelFlags, ownedLabels, type RunOwner } from '../docker/labels.ts';
import { matchesMessage } from '../docker/messages.ts';
import { inspectNetworks, type NetworkOptions, namedNetwork } from '../docker/networks.ts';
import { lines, readCommandError } from '../docker/parse-output.ts';

export interface RunNetwork {
  readonly name: string;
  /** `internal`: without a route outside. `peerIsolated`: its containers cannot reach each other. */
  readonly kind: 'open' | 'internal' | 'peerIsolated';
}

const kindFlags = {
  open: [],
  internal: ['--internal'],
  peerIsolated: ['--opt=com.docker.network.bridge.enable_icc=false'],
} as const;

/** Create a network of the run, or find it. Returns its id. Throws for a network of this name that is not the run's. */
export function ensureRunNetwork(
  { name, kind }: RunNetwork,
  options: NetworkOptions & RunOwner,
): Promise<string> {
  const { docker, signal } = options;
  const network = namedNetwork(name, options);
  return ensureOwned(
    {
      ...{ type: 'network', name },
      async find() {
        const listed = await network.findAndDeduplicate();
        if (!listed) return null;
        const [found = null] = await inspectNetworks(docker, [listed.id], signal && { signal });
        return found;
      },
      async create() {
        await network.create([...kindFlags[kind], ...labelFlags(ownedLabels(options, 'network'))]);
        return null;
      },
      refusal(found) {
        if (!isOwned(found.labels, options)) return notOurs('network', name, found);
        const isInternal = found.driver === 'bridge' && found.isInternal;
        return isInternal === (kind === 'internal') ? null : wrongKind(name, isInternal);
      },
    },
    { findFirst: true },
  );
}

const wrongKind = (name: string, isInternal: boolean) =>
  new StepError(
    'network',
    `the network ${name} ${isInternal ? 'is' : 'is not'} internal, unlike the requested one. Remove it: docker network rm ${name}`,
  );

/** `bridge` for the networks of one engine, `overlay` for those of a Docker Swarm, which only its managers list as a whole. */
export type RunNetworkDriver = 'bridge' | 'overlay';

/** List the ids of networks of this instance's runs, or of one run. */
export async function listRunNetworks(
  docker: Docker,
  driver: RunNetworkDriver,
  { instance, runId }: { readonly instance: string; readonly runId?: string },
): Promise<string[]> {
  const run = runId === undefined ? `label=${label.runId}` : labelFilter.run(runId);
  const filters = [labelFilter.managed, labelFilter.instance(instance), run, `driver=${driver}`].map(
    filter => `--filter=${filter}`,
  );
  const result = await docker(['network', 'ls', '--quiet', '--no-trunc', ...filters], { timeout: 30_000 });
  if (!result.ok) throw readCommandError(result);
  return lines(result.stdout).map(id => id.trim());
}

/** The number of tries to remove a network in use, and the milliseconds between them. */
const removeTries = 5;
const removePause = 500;
/** A node that has come back reports within some seconds that its containers are gone. */
const swarmRemoveTries = 40;

/** Why a network still exists, with the ids of the containers on it. */
export interface RemainingNetwork {
  readonly users: readonly string[];
  readonly why: string;
}

/**
 * Remove a network unless a container is on it, running or not. Returns null when it is gone. A network of a Docker Swarm is
 * removed by a manager; `others` are the other engines with containers that may be on it.
 */
export async function removeRunNetwork(
  docker: Docker,
  id: string,
  others: readonly Docker[] = [],
): Promise<RemainingNetwork | null> {
  for (let tries = 1; ; tries++) {
    const listed = [docker, ...others].map(engine => containers(engine).list([`network=${id}`]));
    const users = (await Promise.all(listed)).flat();
    if (users.length > 0)
      return { users: users.map(user => user.id), why: `container ${users[0]!.name} is on it` };
    const result = await docker(['network', 'rm', id], { isMutation: true, timeout: 30_000 });
    if (result.ok || matchesMessage('noNetwork', result.stderr)) return null;
    if (tries >= triesAfter(result.stderr))
      return { users: [], why: result.stderr.trim() || 'docker did not respond in time' };
    // The network still counts the endpoint of a container that was removed a moment ago.
    await delay(removePause);
  }
}

const triesAfter = (stderr: string) => {
  if (matchesMessage('networkHasTask', stderr)) return swarmRemoveTries;
  return matchesMessage('networkBusy', stderr) ? removeTries : 1;
};
