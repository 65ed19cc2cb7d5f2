import { removeUntilAbsent } from '../agent-container/absence-checks.ts';
import type { Docker } from '../docker/cli.ts';
import { containers } from '../docker/containers.ts';
import { label, labelFilter } from '../docker/labels.ts';
import { removeVolume } from '../docker/volumes.ts';
import { listRunNetworks, removeRunNetwork } from '../networks/run-networks.ts';
import { findRunVolumes } from '../recovery/run-volumes.ts';

export interface SweepOptions {
  readonly instance: string;
  readonly runId: string;
  /** Ids of containers that stay, with their networks. */
  readonly kept: ReadonlySet<string>;
  /** Whether the run may have networks of its own. */
  readonly hasNetworks: boolean;
  /** Whether the run may have volumes, besides those of clones, which are removed when their work is safe. */
  readonly hasVolumes: boolean;
  /** A call was interrupted, by this process or by a crash, and may still take effect. */
  readonly inDoubt: boolean;
  readonly sleep: (ms: number) => Promise<void>;
}

const maxChecks = 20;

/** Remove the containers and networks of a run that are not kept. Returns the ids that could not be removed. */
export async function sweep(docker: Docker, options: SweepOptions): Promise<readonly string[]> {
  const { inDoubt, sleep } = options;
  return removeUntilAbsent(() => sweepOnce(docker, options), { inDoubt, sleep, maxChecks });
}

async function sweepOnce(docker: Docker, options: SweepOptions) {
  const { instance, runId, kept, hasNetworks, hasVolumes } = options;
  const known = containers(docker);
  // A transient failure of the last check must not fail a run that has ended.
  const list = () =>
    known.list([labelFilter.managed, labelFilter.instance(instance), labelFilter.run(runId)]);
  const found = (await list().catch(list).catch(list)).filter(({ id }) => !kept.has(id));
  const left: string[] = [];
  for (const { id } of found) {
    const result = await known.remove(id);
    if (!result.ok) left.push(id);
  }
  const volumes = hasVolumes ? await sweepVolumes(docker, options) : { found: 0, left: [] };
  left.push(...volumes.left);
  if (!hasNetworks) return { found: found.length + volumes.found, left };

  const listNetworks = () => listRunNetworks(docker, 'bridge', { instance, runId });
  let stay = 0;
  const networks = await listNetworks().catch(listNetworks).catch(listNetworks);
  for (const id of networks) {
    const problem = await removeRunNetwork(docker, id);
    // A container that is kept cannot be started again without its network.
    if (problem && problem.users.length > 0 && problem.users.every(user => kept.has(user))) stay++;
    else if (problem) left.push(id);
  }
  return { found: found.length + volumes.found + networks.length - stay, left };
}

async function sweepVolumes(docker: Docker, { instance, runId }: SweepOptions) {
  const listAll = () => findRunVolumes(docker, { instance, runId });
  const found = await listAll().catch(listAll).catch(listAll);
  const names = found.flatMap(({ name, labels }) => (labels[label.role] === 'workspace' ? [] : [name]));
  const left: string[] = [];
  for (const name of names) if (!(await removeVolume(docker, name).catch(() => false))) left.push(name);
  return { found: names.length, left };
}
