import type { Docker } from '../docker/cli.ts';
import { isOwned, label, type OwnedRole, ownedLabels, type RunOwner } from '../docker/labels.ts';
import type { CallScope } from '../docker/recorder.ts';
import { createVolume, inspectVolumes } from '../docker/volumes.ts';
import { notOurs } from './ensure-owned.ts';

export interface OwnedVolume {
  readonly name: string;
  readonly role: OwnedRole;
  readonly run: RunOwner;
  /** The attempt that needs it first. */
  readonly owner: CallScope;
}

/** Create a volume, or find the one that an earlier call created. Throws for one of the same name that is not ours. */
export async function ensureVolume(
  docker: Docker,
  { name, role, run, owner }: OwnedVolume,
  signal?: AbortSignal,
): Promise<void> {
  const options = { scope: owner, ...(signal && { signal }) };
  const labels = { ...ownedLabels(run, role), [label.helps]: `${owner.agent}/${owner.attempt}` };
  await createVolume(docker, name, labels, options);
  const [found] = await inspectVolumes(docker, [name], options);
  if (found && !isOwned(found.labels, run)) throw notOurs('volume', name, { id: name });
}
