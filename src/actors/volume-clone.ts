import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { attemptVolume } from '../agent-container/names.ts';
import type { DockerResult } from '../docker/cli.ts';
import type { CallScope } from '../docker/recorder.ts';
import { pipeOutput } from '../docker/stream.ts';
import { removeVolume } from '../docker/volumes.ts';
import { installWork } from '../workspace/install-work.ts';
import { findRepository } from '../workspace/repository.ts';
import { unpacker } from '../workspace/unpack.ts';
import type { CloneFiles, CollectRequest, Delivery } from './clone-files.ts';
import { collectJob, makeSpare } from './collect-job.ts';
import type { ActorContext } from './context.ts';
import { type HelperJob, hasReported, jobFailure, runHelperJob } from './helper-job.ts';
import type { VolumePorts } from './make-volume-clone.ts';
import { ensureAttemptVolume, repositoryMount } from './sent-repository.ts';

/*
 * Clones on an engine that has other files than this machine. The git directory of the repository is sent to a volume once;
 * from it, helper containers make the clone of each agent in a volume of its own, and collect and check what the agent has
 * committed. Only packs and names of refs come back.
 */

export type VolumeClonePorts = VolumePorts & Pick<ActorContext, 'recorder' | 'folder' | 'plan' | 'makeClone'>;

const timeoutMs = 5 * 60_000;
/** Maximum bytes of what comes back. */
const maxBytes = 2 ** 30;

/** A clone, and the volumes that belong to it. */
interface Place {
  readonly owner: CallScope;
  readonly workspace: string;
  readonly bundle: string;
  /** A new clone, if the git directory of the first is damaged. */
  readonly spare: string;
  /** The folder of this machine for what comes back. */
  readonly out: string;
}

/** The clone of an attempt in a volume of the engine. */
export function volumeClone(context: VolumeClonePorts, owner: CallScope, workspace: string): CloneFiles {
  const { runId } = context.identity(owner.agent, owner.attempt);
  const place: Place = {
    owner,
    workspace,
    bundle: attemptVolume(runId, owner, 'bundle'),
    spare: attemptVolume(runId, owner, 'spare'),
    out: join(context.folder(owner.agent, owner.attempt), 'out'),
  };
  return {
    place: `the volume ${workspace} of the engine`,
    left: { path: null, volume: workspace },
    out: place.out,
    collect: (request, signal) => collect(context, place, { ...request, isRepaired: false }, signal),
    async collectRepaired(request, signal) {
      try {
        await makeSpare(context, owner, { ...request, target: place.spare }, signal);
        return await collect(context, place, { ...request, isRepaired: true }, signal);
      } finally {
        // Collected work counts more than a volume that `cleanup` removes later.
        await removeVolume(context.docker, place.spare, { scope: owner }).catch(() => false);
      }
    },
    deliver: (work, signal) => deliver(context, place, work, signal),
    // The container uses the volume of the workspace, which is removed after it.
    async clear() {
      await removeVolume(context.docker, place.bundle, { scope: owner });
      await rm(place.out, { recursive: true, force: true });
    },
  };
}

function collect(
  context: VolumeClonePorts,
  place: Place,
  { isRepaired, ...request }: CollectRequest & { readonly isRepaired: boolean },
  signal: AbortSignal,
): Promise<DockerResult> {
  const { owner, bundle: name } = place;
  const job: HelperJob = {
    ...collectJob(owner, request, {
      ...{ clone: place.workspace, out: name, spare: isRepaired ? place.spare : null },
      isVolume: true,
    }),
    async prepare() {
      // A helper that was killed may have left a part.
      await removeVolume(context.docker, name, { scope: owner, signal });
      await ensureAttemptVolume(context, owner, { name, role: 'bundle' }, signal);
    },
    async take(id, ended) {
      // Without the patch the work is saved all the same.
      if (/^work /m.test(ended.stdout)) await takeOut(context, place, `${id}:/out/diff.patch`, signal);
      return ended;
    },
  };
  return runHelperJob(context, owner, job, signal);
}

async function deliver(
  context: VolumeClonePorts,
  place: Place,
  { root, branch, refs, commit, base }: Delivery,
  signal: AbortSignal,
): Promise<string | null> {
  const { owner } = place;
  const repository = findRepository(root);
  if ('problem' in repository) return repository.problem;
  const source = await context.sentRepository(owner, { repository: root, commit: base }, signal);
  const job: HelperJob = {
    command: 'agent-deliver',
    args: [repository.commonDir, branch, commit ?? '-', process.umask().toString(8), refs, '/delivered'],
    mounts: [repositoryMount(source, repository), { source: place.bundle, isVolume: true, target: '/in' }],
    user: '0',
    purpose: 'deliver its work',
    timeout: timeoutMs,
    hasReported: hasReported(/^delivered /m),
    take: async (id, ended) =>
      (ended.ok ? await takeOut(context, place, `${id}:/delivered`, signal) : null) ?? ended,
  };
  const result = await runHelperJob(context, owner, job, signal);
  if (!result.ok || !result.stdout.includes(`delivered ${commit ?? '-'}\n`)) return jobFailure(result);
  return installWork(repository, join(place.out, 'delivered'), { branch, refs });
}

/** Copy a path of a helper into the folder for what comes back. Resolves with null, or the failure. */
async function takeOut(
  context: VolumeClonePorts,
  { owner, out }: Place,
  from: string,
  signal: AbortSignal,
): Promise<DockerResult | null> {
  const args = ['cp', from, '-'];
  // An earlier try may have left a part.
  await rm(join(out, basename(from)), { recursive: true, force: true });
  const { sink, done } = unpacker({ folder: out, maxBytes });
  const options = { signal, scope: owner, timeout: timeoutMs };
  const copied = await pipeOutput(context.recorder, args, sink, options);
  const { warnings } = await done();
  if (!copied.ok) return { args, stdout: '', ...copied };
  return warnings.length === 0
    ? null
    : { args, ...copied, ok: false, stdout: `failed ${warnings.join('; ')}\n` };
}
