import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { StepError } from '../../machines/step-error.ts';
import { DockerError } from '../docker/docker-error.ts';
import type { CallScope } from '../docker/recorder.ts';
import { copyUntrustedFile } from '../workspace/copy-untrusted-file.ts';
import type { CloneFiles } from './clone-files.ts';
import { collectClone } from './collect-clone.ts';
import type { ActorContext, SavedWorkspace } from './context.ts';
import { type FolderClonePorts, folderClone } from './folder-clone.ts';
import { type VolumeClonePorts, volumeClone } from './volume-clone.ts';
import { workRefs } from './workspace.ts';

export type SaveClonePorts = FolderClonePorts &
  VolumeClonePorts &
  Pick<ActorContext, 'clone' | 'cloneVolume' | 'originCommit' | 'isHostLost'>;

/** Maximum bytes of a patch. */
const maxBytes = 2 ** 30;

export interface SavedClone {
  /** null if nothing was changed. */
  readonly workspace: SavedWorkspace | null;
  /** For the user. */
  readonly warning: string | null;
}

const nothing: SavedClone = { workspace: null, warning: null };

/** Return the clone of an attempt; null if it has none. */
function filesOf(context: SaveClonePorts, owner: CallScope): CloneFiles | null {
  const volume = context.cloneVolume(owner.agent, owner.attempt);
  if (volume !== null) return volumeClone(context, owner, volume);
  const folder = context.clone(owner.agent, owner.attempt);
  return folder === null ? null : folderClone(context, owner, folder);
}

/**
 * Save the work in an agent's clone to refs of the repository that was cloned. Git runs in helper containers only: one
 * that sees the clone and bundles it, and one that sees the repository and fetches the bundle.
 */
export async function saveClone(
  context: SaveClonePorts,
  owner: CallScope,
  signal: AbortSignal,
): Promise<SavedClone> {
  const { agent, attempt } = owner;
  const { workspace } = context.plan(agent);
  const files = filesOf(context, owner);
  const base = context.originCommit(agent);
  const folder = context.clone(agent, attempt);
  if (workspace.mode !== 'clone' || files === null) return nothing;
  if (folder !== null && !existsSync(folder)) return nothing;
  const leave = (reason: string, known: Partial<SavedWorkspace> = {}): SavedClone => ({
    workspace: { branch: null, commit: null, diff: null, ...known, ...files.left },
    warning: `could not save all of its work: ${signal.aborted ? 'there was no time left' : reason}. Its clone is left in ${files.place}`,
  });
  if ('problem' in base) return leave(base.problem);
  if (signal.aborted) return leave('');

  const destination = workRefs(
    context.identity(agent, attempt).runId,
    agent,
    attempt,
    context.isHostLost(agent, attempt),
  );
  const request = { ...destination, base: base.commit };
  const { commit, hasRefs, left } = await collectClone(files, request, signal);
  let saved: SavedWorkspace | null = null;
  if (commit !== null || hasRefs) {
    try {
      const work = { ...request, root: workspace.repository, commit };
      const problem = await files.deliver(work, signal);
      if (problem !== null) return leave(`${workspace.repository} did not take it: ${problem}`);
      saved = {
        branch: commit === null ? null : destination.branch,
        commit,
        ...(hasRefs ? { refs: destination.refs } : {}),
        diff: await saveDiff(files, join(context.folder(agent, attempt), 'diff.patch')),
        path: null,
      };
    } catch (error) {
      // The machine handles failures of docker; anything else leaves the clone where it is.
      if (error instanceof StepError || error instanceof DockerError) throw error;
      return leave((error as Error).message);
    }
  }
  return left === null ? { ...nothing, workspace: saved } : leave(left, saved ?? {});
}

/** Return the path of the patch; null if there is none, or it is too large. */
const saveDiff = ({ out }: CloneFiles, path: string): Promise<string | null> =>
  copyUntrustedFile(join(out, 'diff.patch'), path, maxBytes).then(
    () => path,
    () => null,
  );

/** Remove a clone whose work is safe. */
export async function clearClone(
  context: SaveClonePorts,
  owner: CallScope,
  signal: AbortSignal,
): Promise<void> {
  await filesOf(context, owner)?.clear(signal);
}
