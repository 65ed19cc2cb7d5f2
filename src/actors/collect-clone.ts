import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DockerResult } from '../docker/cli.ts';
import type { CallScope } from '../docker/recorder.ts';
import type { ActorContext } from './context.ts';
import { type EmptyPorts, emptyFolders } from './empty-folders.ts';
import { type HelperCommand, jobFailure, runHelperJob } from './helper-job.ts';
import type { WorkRefs } from './workspace.ts';

export type CollectClonePorts = EmptyPorts & Pick<ActorContext, 'plan' | 'folder' | 'clone' | 'makeClone'>;

const timeoutMs = 5 * 60_000;

/** A clone to collect, and the refs to save its commits to. */
export interface CollectRequest extends WorkRefs {
  /** The commit that the clone started from. */
  readonly base: string;
  /** Path of a new clone, if the git directory of the agent's clone is damaged. */
  readonly spare?: string;
}

export interface Collected {
  readonly commit: string | null;
  /** Some commits are not on the branch. */
  readonly hasRefs: boolean;
  /** The reason why something could not be collected; null if everything was. */
  readonly left: string | null;
}

/** Bundle the work in an agent's clone, in the `outFolder` of its attempt. */
export async function collectClone(
  context: CollectClonePorts,
  owner: CallScope,
  request: CollectRequest,
  signal: AbortSignal,
): Promise<Collected> {
  const result = await runCollect(context, owner, request, signal);
  const isDamaged = /^left damaged$/m.test(result.stdout);
  return readCollected(isDamaged ? await collectDamaged(context, owner, request, signal) : result);
}

export const outFolder = (context: Pick<ActorContext, 'folder'>, { agent, attempt }: CallScope) =>
  join(context.folder(agent, attempt), 'out');

/** Parse the output of `agent-collect`. */
function readCollected(result: DockerResult): Collected {
  const commit = /^work ([0-9a-f]{40,64})$/m.exec(result.stdout)?.[1] ?? null;
  const hasRefs = /^refs \d+$/m.test(result.stdout);
  const isWhole = result.ok && (commit !== null || hasRefs || /^nothing$/m.test(result.stdout));
  return { commit, hasRefs, left: isWhole ? null : jobFailure(result) };
}

function runCollect(
  context: CollectClonePorts,
  owner: CallScope,
  request: CollectRequest,
  signal: AbortSignal,
): Promise<DockerResult> {
  const out = outFolder(context, owner);
  return runHelperJob(
    context,
    owner,
    {
      ...collectJob(context, owner, request),
      purpose: 'save its work',
      timeout: timeoutMs,
      hasReported: ({ stdout }) => /^(work|refs|left) /m.test(stdout),
      async prepare() {
        // Files of an earlier helper may belong to root.
        await rm(out, { recursive: true, force: true }).catch(() => {});
        await mkdir(out, { recursive: true, mode: 0o700 });
      },
    },
    signal,
  );
}

/** Collect with the git directory of a new clone, since that of the agent's clone is damaged. */
async function collectDamaged(
  context: CollectClonePorts,
  owner: CallScope,
  work: CollectRequest,
  signal: AbortSignal,
): Promise<DockerResult> {
  const { workspace } = context.plan(owner.agent);
  const spare = join(context.folder(owner.agent, owner.attempt), 'spare');
  if (workspace.mode !== 'clone') throw new Error(`${owner.agent} does not work in a clone`);
  const { repository } = workspace;
  const request = { repository, commit: work.base, branch: work.branch, target: spare };
  try {
    const problem = await context.makeClone(owner, request, signal);
    if (problem !== null) throw new Error(`its .git is damaged, and no other can be made: ${problem}`);
    return await runCollect(context, owner, { ...work, spare }, signal);
  } finally {
    await emptyFolders(context, owner, [spare], signal);
  }
}

export const collectJob = (
  context: Pick<ActorContext, 'clone' | 'folder'>,
  owner: CallScope,
  { branch, refs, base, spare }: CollectRequest,
): HelperCommand => ({
  command: 'agent-collect',
  args: [branch, base, `Uncommitted work of ${owner.agent}`, refs],
  mounts: [
    { source: context.clone(owner.agent, owner.attempt)!, target: '/workspace', isWritable: true },
    { source: outFolder(context, owner), target: '/out', isWritable: true },
    ...(spare === undefined ? [] : [{ source: spare, target: '/spare' }]),
  ],
  // The files may belong to any user.
  user: '0',
});
