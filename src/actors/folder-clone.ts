import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CallScope } from '../docker/recorder.ts';
import { copyUntrustedFile } from '../workspace/copy-untrusted-file.ts';
import { findRepository, type Repository } from '../workspace/repository.ts';
import type { CloneFiles, CollectRequest } from './clone-files.ts';
import { collectJob, makeSpare } from './collect-job.ts';
import type { ActorContext } from './context.ts';
import { type EmptyPorts, emptyFolders } from './empty-folders.ts';
import {
  type HelperCommand,
  type HelperJob,
  hasReported,
  hostUser,
  jobFailure,
  runHelperJob,
} from './helper-job.ts';
import { onHost, writableNow } from './make-clone.ts';
import type { WorkRefs } from './workspace.ts';

export type FolderClonePorts = EmptyPorts &
  Pick<ActorContext, 'plan' | 'folder' | 'makeClone' | 'writablePlaces' | 'livePlaces'>;

const timeoutMs = 5 * 60_000;
/** Maximum bytes of a bundle. */
const maxBytes = 2 ** 30;

/** The clone of an attempt in a folder of this machine, which is mounted. */
export function folderClone(context: FolderClonePorts, owner: CallScope, clone: string): CloneFiles {
  const folder = context.folder(owner.agent, owner.attempt);
  const out = join(folder, 'out');
  const collect = (request: CollectRequest, spare: string | null, signal: AbortSignal) =>
    runHelperJob(
      context,
      owner,
      {
        ...collectJob(owner, request, { clone, out, spare }),
        async prepare() {
          // Files of an earlier helper may belong to root.
          await rm(out, { recursive: true, force: true }).catch(() => {});
          await mkdir(out, { recursive: true, mode: 0o700 });
        },
      },
      signal,
    );

  return {
    place: clone,
    left: { path: clone },
    out,
    collect: (request, signal) => collect(request, null, signal),
    async collectRepaired(request, signal) {
      const spare = join(folder, 'spare');
      try {
        await makeSpare(context, owner, { ...request, target: spare }, signal);
        return await collect(request, spare, signal);
      } finally {
        await emptyFolders(context, owner, [spare], signal);
      }
    },
    async deliver({ root, ...work }, signal) {
      const repository = findRepository(root);
      if ('problem' in repository) return repository.problem;
      const bundle = join(folder, 'bundle', 'work.bundle');
      await mkdir(dirname(bundle), { recursive: true, mode: 0o700 });
      try {
        await copyUntrustedFile(join(out, 'work.bundle'), bundle, maxBytes);
        const job: HelperJob = {
          ...deliverJob(context, repository, { bundle: dirname(bundle), ...work }),
          purpose: 'deliver its work',
          timeout: timeoutMs,
          hasReported: hasReported(/^delivered /m),
        };
        const result = await runHelperJob(context, owner, job, signal);
        return result.ok && result.stdout.includes(`delivered ${work.commit ?? '-'}\n`)
          ? null
          : jobFailure(result);
      } finally {
        await rm(dirname(bundle), { recursive: true, force: true });
      }
    },
    clear: signal => emptyFolders(context, owner, [clone, out], signal),
  };
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
