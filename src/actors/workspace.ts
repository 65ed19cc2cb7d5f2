import type { StepInput } from '../../machines/agent-types.ts';
import { StepError } from '../../machines/step-error.ts';
import { matchesMessage } from '../docker/messages.ts';
import { type ActorContext, owner } from './context.ts';

type EnsureWorkspacePorts = Pick<
  ActorContext,
  'plan' | 'identity' | 'clone' | 'cloneVolume' | 'startCommit' | 'makeClone'
>;

/** Return the branch that an agent's work is saved to. */
export const branchOf = (runId: string, agent: string) => `agent-flow/${runId}/${agent}`;

/** The refs that work is saved to. */
export interface WorkRefs {
  readonly branch: string;
  /** Prefix of the refs of commits that are not on the branch. */
  readonly refs: string;
}

export const workRefs = (runId: string, agent: string, attempt: number, isLate = false): WorkRefs => ({
  // Another attempt has followed, whose work must stay: no agent's name has a dot.
  branch: branchOf(runId, isLate ? `${agent}.attempt-${attempt}` : agent),
  refs: `refs/agent-flow/${runId}/${agent}/${attempt}`,
});

/** Make the clone of an agent that works in one, which must exist before its container. */
export async function ensureWorkspace(
  context: EnsureWorkspacePorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<void> {
  const { name, attempt } = input;
  const { workspace } = context.plan(name);
  const target = context.clone(name, attempt) ?? context.cloneVolume(name, attempt);
  if (workspace.mode !== 'clone' || target === null) return;
  const base = context.startCommit(name, attempt);
  if ('problem' in base)
    throw new StepError('workspace', `could not make the clone of ${name}: ${base.problem}`);
  const { repository } = workspace;
  const branch = branchOf(context.identity(name, attempt).runId, name);
  const problem = await context.makeClone(
    owner(input),
    { repository, commit: base.commit, branch, target },
    signal,
  );
  if (problem === null) return;
  const kind = matchesMessage('noSpace', problem) ? 'outOfResources' : 'workspace';
  throw new StepError(kind, `could not clone ${repository}: ${problem}`);
}
