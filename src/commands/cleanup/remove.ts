import { emptyFolder } from '../../agent-container/helper.ts';
import { type Container, containers } from '../../docker/containers.ts';
import { matchesMessage } from '../../docker/messages.ts';
import type { StateDir } from '../../store/state-directory.ts';
import { oneLine } from '../../text/text.ts';
import { removeImage } from './images.ts';
import { removeNetwork } from './networks.ts';
import type { EnginePlan, Plan } from './plan.ts';
import { removeLeftReservation } from './reservations.ts';
import { inUseBy, usersOfRuns } from './reused-runs.ts';
import { isOf, removeRunFolder } from './runs.ts';
import type { Skipped } from './skipped.ts';
import { removeLeftVolume } from './volumes.ts';

/** Removed and skipped things by kind; in a dry run, the ones that would be. Printed by `cleanup --json`. */
export interface Removed {
  /** Ids of containers. */
  readonly removed: string[];
  readonly left: string[];
  readonly inUse: string[];
  readonly networks: string[];
  readonly volumes: string[];
  readonly reservations: string[];
  readonly images: { readonly removed: string[]; readonly left: Skipped[] };
  readonly runs: { readonly removed: string[]; readonly left: Skipped[] };
}

export interface CleanupResult {
  readonly done: Removed;
  /** Containers that could not be removed. */
  readonly stayed: readonly Container[];
  readonly failures: readonly string[];
}

/** Combine what was done on several engines. */
export const combined = (parts: readonly Removed[]): Removed => ({
  removed: parts.flatMap(({ removed }) => removed),
  left: parts.flatMap(({ left }) => left),
  inUse: parts.flatMap(({ inUse }) => inUse),
  networks: parts.flatMap(({ networks }) => networks),
  volumes: parts.flatMap(({ volumes }) => volumes),
  reservations: parts.flatMap(({ reservations }) => reservations),
  images: {
    removed: parts.flatMap(({ images }) => images.removed),
    left: parts.flatMap(({ images }) => images.left),
  },
  runs: {
    removed: parts.flatMap(({ runs }) => runs.removed),
    left: parts.flatMap(({ runs }) => runs.left),
  },
});

const everythingOf = (plan: Plan): Removed => ({
  removed: plan.containers.map(({ id }) => id),
  left: [],
  inUse: plan.inUse.map(({ id }) => id),
  networks: plan.networks.map(({ name }) => name),
  volumes: plan.volumes.map(({ name }) => name),
  reservations: plan.reservations.map(({ name }) => name),
  images: { removed: plan.images.map(({ name }) => name), left: [...plan.skippedImages] },
  runs: { removed: plan.runs.map(({ folder }) => folder.runId), left: [...plan.skippedRuns] },
});

/** Return the result of a dry run. */
export const dryRunResult = (plan: Plan): CleanupResult => ({
  done: everythingOf(plan),
  stayed: [],
  failures: [],
});

const nothing = (plan: Pick<Plan, 'inUse' | 'skippedImages' | 'skippedRuns'>): Removed => ({
  removed: [],
  left: [],
  inUse: plan.inUse.map(({ id }) => id),
  networks: [],
  volumes: [],
  reservations: [],
  images: { removed: [], left: [...plan.skippedImages] },
  runs: { removed: [], left: [...plan.skippedRuns] },
});

/** Carry out the plans, of which the last has the runs. */
export async function removeAll(plans: readonly EnginePlan[], state: StateDir): Promise<CleanupResult[]> {
  const results: CleanupResult[] = [];
  for (const plan of plans) results.push(await removeOnEngine(plan));
  results.push(await removeSwarmNetworks(plans));
  const stayed = results.flatMap(result => result.stayed);
  return [...results, await removeRuns(plans.at(-1)!, state, stayed)];
}

/** Remove the networks that the nodes of a Docker Swarm share, after the containers on all engines. */
async function removeSwarmNetworks(plans: readonly EnginePlan[]): Promise<CleanupResult> {
  const done = nothing(emptyPlan);
  const failures: string[] = [];
  for (const { docker, plan } of plans)
    for (const network of plan.networks.filter(({ scope }) => scope === 'swarm')) {
      const others = plans.map(other => other.docker).filter(other => other !== docker);
      const why = await removeNetwork(docker, network, others);
      if (why === null) done.networks.push(network.name);
      else failures.push(`network ${network.name}: ${why}`);
    }
  return { done, stayed: [], failures };
}

const emptyPlan = { inUse: [], skippedImages: [], skippedRuns: [] };

/** Carry out the plan for one engine. Containers go first: networks, volumes and images cannot go as long as containers need them. */
async function removeOnEngine({ docker, plan }: EnginePlan): Promise<CleanupResult> {
  const done = nothing({ ...plan, skippedRuns: [] });
  const failures: string[] = [];
  const stayed: Container[] = [];
  for (const container of plan.containers) {
    const { id, name } = container;
    const result = await containers(docker).remove(id);
    // Another process is already removing it.
    if (result.ok || matchesMessage('removing', result.stderr)) done.removed.push(id);
    else {
      done.left.push(id);
      stayed.push(container);
      failures.push(`container ${name}: ${oneLine(result.stderr) || 'docker did not respond in time'}`);
    }
  }
  for (const network of plan.networks.filter(({ scope }) => scope !== 'swarm')) {
    const why = await removeNetwork(docker, network);
    if (why === null) done.networks.push(network.name);
    else failures.push(`network ${network.name}: ${why}`);
  }
  for (const volume of plan.volumes) {
    const why = await removeLeftVolume(docker, volume);
    if (why === null) done.volumes.push(volume.name);
    else failures.push(`volume ${volume.name}: ${why}`);
  }
  for (const { name } of plan.reservations) {
    const why = await removeLeftReservation(docker, name);
    if (why === null) done.reservations.push(name);
    else failures.push(`reservation ${name}: ${why}`);
  }
  for (const { name } of plan.images) {
    const problem = await removeImage(docker, name);
    if (problem === null) done.images.removed.push(name);
    else {
      done.images.left.push({ name, why: problem.why });
      if (problem.isFailure) failures.push(`image ${name}: ${problem.why}`);
    }
  }
  return { done, stayed, failures };
}

/** Remove the folders of runs, which are needed as long as there are containers of theirs on any engine. */
async function removeRuns(
  { docker, engine, plan }: EnginePlan,
  state: StateDir,
  stayed: readonly Container[],
): Promise<CleanupResult> {
  const done = nothing({ ...emptyPlan, skippedRuns: plan.skippedRuns });
  const failures: string[] = [];
  const usersOf = usersOfRuns(state);
  for (const { folder } of plan.runs) {
    const { runId } = folder;
    const empty = (path: string) => emptyFolder(docker, engine, { instance: state.instance, runId, path });
    const kept = stayed.find(({ labels }) => isOf(labels, state, runId));
    // A rerun may have begun since the plan was made, or could not be removed.
    const users = (usersOf.get(runId) ?? []).filter(user => !done.runs.removed.includes(user));
    const why = kept
      ? `container ${kept.name} still exists`
      : users.length > 0
        ? inUseBy(users)
        : await removeRunFolder(folder, empty, plan.force);
    if (why === null) done.runs.removed.push(runId);
    else {
      done.runs.left.push({ name: runId, why });
      if (!kept && users.length === 0) failures.push(`run ${runId}: ${why}`);
    }
  }
  return { done, stayed: [], failures };
}
