import { emptyFolder } from '../../agent-container/helper.ts';
import { type Container, containers } from '../../docker/containers.ts';
import { matchesMessage } from '../../docker/errors.ts';
import type { StateDir } from '../../store/state-directory.ts';
import { oneLine } from '../../text/text.ts';
import { removeImage } from './images.ts';
import { removeNetwork } from './networks.ts';
import type { EnginePlan, Plan } from './plan.ts';
import { isOf, removeRunFolder } from './runs.ts';
import type { Skipped } from './skipped.ts';

/** What was removed, category by category, and what was not. Of a dry run: what would be. */
export interface Removed {
  /** Ids of containers. */
  readonly removed: string[];
  readonly left: string[];
  readonly driven: string[];
  readonly networks: string[];
  readonly images: { readonly removed: string[]; readonly left: Skipped[] };
  readonly runs: { readonly removed: string[]; readonly left: Skipped[] };
}

export interface Outcome {
  readonly done: Removed;
  /** Containers that could not be removed. */
  readonly stayed: readonly Container[];
  readonly failures: readonly string[];
}

/** What was done on several engines. */
export const inAll = (parts: readonly Removed[]): Removed => ({
  removed: parts.flatMap(({ removed }) => removed),
  left: parts.flatMap(({ left }) => left),
  driven: parts.flatMap(({ driven }) => driven),
  networks: parts.flatMap(({ networks }) => networks),
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
  driven: plan.driven.map(({ id }) => id),
  networks: plan.networks.map(({ name }) => name),
  images: { removed: plan.images.map(({ name }) => name), left: [...plan.imagesLeft] },
  runs: { removed: plan.runs.map(({ folder }) => folder.runId), left: [...plan.runsLeft] },
});

/** What a dry run comes to. */
export const wouldBe = (plan: Plan): Outcome => ({ done: everythingOf(plan), stayed: [], failures: [] });

/**
 * Removes what was planned on one engine: containers first, since networks, images and runs are kept for them, also for
 * those on other engines.
 */
export async function removeAll(
  { docker, engine, plan }: EnginePlan,
  state: StateDir,
  stayedElsewhere: readonly Container[],
): Promise<Outcome> {
  const done: Removed = {
    ...everythingOf(plan),
    removed: [],
    networks: [],
    images: { removed: [], left: [...plan.imagesLeft] },
    runs: { removed: [], left: [...plan.runsLeft] },
  };
  const failures: string[] = [];
  const stayed: Container[] = [];
  for (const container of plan.containers) {
    const { id, name } = container;
    const answer = await containers(docker).remove(id);
    // Somebody else removes it at this moment.
    if (answer.ok || matchesMessage('removing', answer.stderr)) done.removed.push(id);
    else {
      done.left.push(id);
      stayed.push(container);
      failures.push(`container ${name}: ${oneLine(answer.stderr) || 'docker did not answer in time'}`);
    }
  }
  for (const network of plan.networks) {
    const why = await removeNetwork(docker, network);
    if (why === null) done.networks.push(network.name);
    else failures.push(`the network ${network.name}: ${why}`);
  }
  for (const { name } of plan.images) {
    const problem = await removeImage(docker, name);
    if (problem === null) done.images.removed.push(name);
    else {
      done.images.left.push({ name, why: problem.why });
      if (problem.isFailure) failures.push(`image ${name}: ${problem.why}`);
    }
  }
  for (const { folder } of plan.runs) {
    const { runId } = folder;
    const empty = (path: string) => emptyFolder(docker, engine, { instance: state.instance, runId, path });
    const kept = [...stayedElsewhere, ...stayed].find(({ labels }) => isOf(labels, state, runId));
    const why = kept
      ? `it has container ${kept.name} left`
      : await removeRunFolder(folder, empty, plan.force);
    if (why === null) done.runs.removed.push(runId);
    else {
      done.runs.left.push({ name: runId, why });
      if (!kept) failures.push(`run ${runId}: ${why}`);
    }
  }
  return { done, stayed, failures };
}
