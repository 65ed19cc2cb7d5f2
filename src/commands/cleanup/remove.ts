import type { Docker } from '../../docker/cli.ts';
import { containers } from '../../docker/containers.ts';
import { emptyFolder } from '../../docker/helper.ts';
import type { StateDir } from '../../engine/state-dir.ts';
import { oneLine } from '../../views/text.ts';
import { removeImage } from './images.ts';
import { removeNetwork } from './networks.ts';
import type { LeftAlone, Plan } from './plan.ts';
import { isOf, removeRunFolder } from './runs.ts';

/** What was removed, category by category, and what was not. Of a dry run: what would be. */
export interface Removed {
  /** Ids of containers. */
  readonly removed: string[];
  readonly left: string[];
  readonly driven: string[];
  readonly networks: string[];
  readonly images: { readonly removed: string[]; readonly left: LeftAlone[] };
  readonly runs: { readonly removed: string[]; readonly left: LeftAlone[] };
}

export const everythingOf = (plan: Plan): Removed => ({
  removed: plan.containers.map(({ id }) => id),
  left: [],
  driven: plan.driven.map(({ id }) => id),
  networks: plan.networks.map(({ name }) => name),
  images: { removed: plan.images.map(({ name }) => name), left: [...plan.imagesLeft] },
  runs: { removed: plan.runs.map(({ folder }) => folder.runId), left: [...plan.runsLeft] },
});

/** Removes what was planned: containers first, since networks, images and runs are kept for them. */
export async function removeAll(docker: Docker, state: StateDir, plan: Plan) {
  const done: Removed = {
    ...everythingOf(plan),
    removed: [],
    networks: [],
    images: { removed: [], left: [...plan.imagesLeft] },
    runs: { removed: [], left: [...plan.runsLeft] },
  };
  const failures: string[] = [];
  for (const { id, name } of plan.containers) {
    const answer = await containers(docker).remove(id);
    // Somebody else removes it at this moment.
    if (answer.ok || /removal of container .* already in progress/i.test(answer.stderr))
      done.removed.push(id);
    else {
      done.left.push(id);
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
    const empty = (path: string) => emptyFolder(docker, { instance: state.instance, runId, path });
    const kept = plan.containers.find(
      ({ id, labels }) => done.left.includes(id) && isOf(labels, state, runId),
    );
    const why = kept
      ? `it has container ${kept.name} left`
      : await removeRunFolder(folder, empty, plan.force);
    if (why === null) done.runs.removed.push(runId);
    else {
      done.runs.left.push({ name: runId, why });
      if (!kept) failures.push(`run ${runId}: ${why}`);
    }
  }
  return { done, failures };
}
