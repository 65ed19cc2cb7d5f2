import type { CallScope } from '../docker/recorder.ts';
import type { CollectRequest } from './clone-files.ts';
import type { ActorContext } from './context.ts';
import { type HelperJob, hasReported } from './helper-job.ts';

const timeoutMs = 5 * 60_000;

interface CollectPlaces {
  readonly clone: string;
  readonly out: string;
  /** A new clone whose git directory is used; null for none. */
  readonly spare: string | null;
  /** They are names of volumes, and no paths. */
  readonly isVolume?: boolean;
}

/** Return the job that bundles the work in a clone. */
export function collectJob(
  { agent }: CallScope,
  { branch, refs, base }: CollectRequest,
  { clone, out, spare, isVolume = false }: CollectPlaces,
): HelperJob {
  return {
    command: 'agent-collect',
    args: [branch, base, `Uncommitted work of ${agent}`, refs],
    mounts: [
      { source: clone, isVolume, target: '/workspace', isWritable: true },
      { source: out, isVolume, target: '/out', isWritable: true },
      ...(spare === null ? [] : [{ source: spare, isVolume, target: '/spare' }]),
    ],
    // The files may belong to any user.
    user: '0',
    purpose: 'save its work',
    timeout: timeoutMs,
    hasReported: hasReported(/^(?:work [0-9a-f]{40,64}|refs \d+|nothing)$/m),
  };
}

/** Make a clone whose git directory replaces that of a damaged one. Throws if it cannot be made. */
export async function makeSpare(
  { plan, makeClone }: Pick<ActorContext, 'plan' | 'makeClone'>,
  owner: CallScope,
  { base: commit, branch, target }: CollectRequest & { readonly target: string },
  signal: AbortSignal,
): Promise<void> {
  const { workspace } = plan(owner.agent);
  if (workspace.mode !== 'clone') throw new Error(`${owner.agent} does not work in a clone`);
  const { repository } = workspace;
  const problem = await makeClone(owner, { repository, commit, branch, target }, signal);
  if (problem !== null) throw new Error(`its .git is damaged, and no other can be made: ${problem}`);
}
