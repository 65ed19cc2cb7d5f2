import type { Docker } from '../docker/cli.ts';
import { isOwned, label, labelFilter, type RunOwner } from '../docker/labels.ts';
import { type FoundVolume, inspectVolumes, listVolumes, removeVolume } from '../docker/volumes.ts';
import { type FlowState, ofAgent } from '../state/flow-state.ts';

/** Return the volumes that runs of a state directory have on an engine. */
export async function findRunVolumes(
  docker: Docker,
  { instance, runId }: { readonly instance: string; readonly runId?: string },
): Promise<FoundVolume[]> {
  const filters = [
    labelFilter.managed,
    labelFilter.instance(instance),
    ...(runId === undefined ? [] : [labelFilter.run(runId)]),
  ];
  const found = await inspectVolumes(docker, await listVolumes(docker, filters));
  return found.filter(({ labels }) => labels[label.instance] === instance);
}

/**
 * Return whether nothing is lost with a volume of a run: the work of a clone is safe once it was saved.
 *
 * @param state The state of its run; null if its record is gone.
 */
export function isDisposable({ name, labels }: FoundVolume, state: FlowState | null): boolean {
  if (labels[label.role] !== 'workspace' || state === null) return true;
  const [agent = '', attempt] = (labels[label.helps] ?? '').split('/');
  const known = ofAgent(state, agent)?.attempts.find(entry => String(entry.attempt) === attempt);
  return known !== undefined && known.isSaved === true && known.workspace?.volume !== name;
}

/** Remove the volumes of a run, or of one agent, that nothing is lost with and no container uses. */
export async function removeRunVolumes(
  docker: Docker,
  run: RunOwner,
  { state, agent = null }: { readonly state: FlowState; readonly agent?: string | null },
): Promise<void> {
  for (const volume of await findRunVolumes(docker, run)) {
    const isOfAgent = agent === null || volume.labels[label.helps]?.startsWith(`${agent}/`);
    if (isOfAgent && isOwned(volume.labels, run) && isDisposable(volume, state))
      await removeVolume(docker, volume.name);
  }
}
