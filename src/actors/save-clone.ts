import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StepError } from '../../machines/step-error.ts';
import { DockerError } from '../docker/docker-error.ts';
import type { CallScope } from '../docker/recorder.ts';
import { copyUntrustedFile } from '../workspace/copy-untrusted-file.ts';
import { findRepository, type Repository } from '../workspace/repository.ts';
import { type CollectClonePorts, collectClone, outFolder } from './collect-clone.ts';
import type { ActorContext, SavedWorkspace } from './context.ts';
import { emptyFolders } from './empty-folders.ts';
import { type HelperCommand, type HelperJob, hostUser, jobFailure, runHelperJob } from './helper-job.ts';
import { onHost, writableNow } from './make-clone.ts';
import { type WorkRefs, workRefs } from './workspace.ts';

export type SaveClonePorts = CollectClonePorts &
  Pick<ActorContext, 'baseCommit' | 'writablePlaces' | 'livePlaces'>;

/** Maximum bytes of a bundle, and of a patch. */
const maxBytes = 2 ** 30;
const timeoutMs = 5 * 60_000;

export interface SavedClone {
  /** null if nothing was changed. */
  readonly workspace: SavedWorkspace | null;
  /** For the user. */
  readonly warning: string | null;
}

const nothing: SavedClone = { workspace: null, warning: null };

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
  const clone = context.clone(agent, attempt);
  const base = context.baseCommit(agent);
  if (workspace.mode !== 'clone' || clone === null || !existsSync(clone)) return nothing;
  const diff = join(context.folder(agent, attempt), 'diff.patch');
  const leave = (reason: string, known: Partial<SavedWorkspace> = {}): SavedClone => ({
    workspace: { branch: null, commit: null, diff: null, ...known, path: clone },
    warning: `could not save all of its work: ${signal.aborted ? 'there was no time left' : reason}. Its clone is left in ${clone}`,
  });
  if ('problem' in base) return leave(base.problem);
  if (signal.aborted) return leave('');

  const destination = workRefs(context.identity(agent, attempt).runId, agent, attempt);
  const { commit, hasRefs, left } = await collectClone(
    context,
    owner,
    { ...destination, base: base.commit },
    signal,
  );
  let saved: SavedWorkspace | null = null;
  if (commit !== null || hasRefs) {
    try {
      const problem = await deliverWork(
        context,
        owner,
        { root: workspace.repository, ...destination, commit },
        signal,
      );
      if (problem !== null) return leave(`${workspace.repository} did not take it: ${problem}`);
      const hasDiff = await copyUntrustedFile(
        join(outFolder(context, owner), 'diff.patch'),
        diff,
        maxBytes,
      ).then(
        () => true,
        () => false,
      );
      saved = {
        branch: commit === null ? null : destination.branch,
        commit,
        ...(hasRefs ? { refs: destination.refs } : {}),
        diff: hasDiff ? diff : null,
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

/** Fetch the bundle into the repository, as a branch and other refs. Resolves with the problem, or null. */
async function deliverWork(
  context: SaveClonePorts,
  owner: CallScope,
  { root, ...work }: WorkRefs & { readonly root: string; readonly commit: string | null },
  signal: AbortSignal,
): Promise<string | null> {
  const repository = findRepository(root);
  if ('problem' in repository) return repository.problem;
  const bundle = join(context.folder(owner.agent, owner.attempt), 'bundle', 'work.bundle');
  await mkdir(dirname(bundle), { recursive: true, mode: 0o700 });
  try {
    await copyUntrustedFile(join(outFolder(context, owner), 'work.bundle'), bundle, maxBytes);
    const job: HelperJob = {
      ...deliverJob(context, repository, { bundle: dirname(bundle), ...work }),
      purpose: 'deliver its work',
      timeout: timeoutMs,
      hasReported: ({ stdout }) => /^(delivered|failed) /m.test(stdout),
    };
    const result = await runHelperJob(context, owner, job, signal);
    return result.ok && result.stdout.includes(`delivered ${work.commit ?? '-'}\n`)
      ? null
      : jobFailure(result);
  } finally {
    await rm(dirname(bundle), { recursive: true, force: true });
  }
}

export const deliverJob = (
  context: Pick<ActorContext, 'engine' | 'writablePlaces' | 'livePlaces'>,
  repository: Repository,
  { bundle, branch, refs, commit }: WorkRefs & { readonly bundle: string; readonly commit: string | null },
): HelperCommand => ({
  command: 'agent-deliver',
  args: [repository.commonDir, branch, commit ?? '-', process.umask().toString(8), refs],
  mounts: [
    // Without the work tree: a link that an agent planted in the repository could lead the helper there.
    ...onHost({ ...repository, root: repository.commonDir }, writableNow(context), true),
    { source: bundle, target: '/in' },
  ],
  ...hostUser(context),
});

/** Remove a clone whose work is safe. */
export async function clearClone(
  context: SaveClonePorts,
  owner: CallScope,
  signal: AbortSignal,
): Promise<void> {
  const clone = context.clone(owner.agent, owner.attempt);
  if (clone !== null) await emptyFolders(context, owner, [clone, outFolder(context, owner)], signal);
}
