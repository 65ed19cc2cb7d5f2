import { join } from 'node:path';
import type { Base, WorkspacePort } from '../actors/context.ts';
import { attemptVolume } from '../agent-container/names.ts';
import type { AgentPlan, FlowPlan } from '../spec/plan.ts';
import type { AttemptState } from '../state/agent-state.ts';
import { lastFailedCheck } from '../state/rounds.ts';
import type { RunFolder } from '../store/state-directory.ts';

export interface ClonesOptions {
  readonly plan: FlowPlan;
  readonly folder: RunFolder;
  /** The commits that repositories were at when the run began. */
  readonly commits?: Readonly<Record<string, string>> | undefined;
  /** The engine has other files than this machine. */
  readonly hasOtherFiles?: boolean | undefined;
  /** Return the attempts of an agent, from the journal. */
  readonly attempts: (agent: string) => readonly AttemptState[];
}

/** Create the part of the workspace port with the places of a run's clones and the commits that they start from. */
export function clonesOf({
  plan,
  folder,
  commits = {},
  hasOtherFiles = false,
  attempts,
}: ClonesOptions): Pick<
  WorkspacePort,
  'clone' | 'cloneVolume' | 'baseCommit' | 'startCommit' | 'originCommit' | 'markUsed'
> {
  const used = new Set<string>();
  const workspaces = new Map(plan.agents.map(({ name, workspace }) => [name, workspace]));
  const workspaceOf = (agent: string) => workspaces.get(agent)!;

  const baseCommit = (agent: string): Base => {
    const commit = commitBeforeQuota(attempts(agent));
    return commit === null ? originCommit(agent) : { commit };
  };

  const startCommit = (agent: string, attempt: number): Base => {
    const before = attempts(agent).filter(entry => entry.attempt < attempt);
    const commit = commitBeforeQuota(before);
    if (commit !== null) return { commit };
    const checked = lastFailedCheck(before, attempt);
    if (checked === null) return originCommit(agent);
    const saved = before.find(entry => entry.attempt === checked.attempt)?.workspace;
    // One that changed nothing leaves what it started from.
    return saved?.commit ? { commit: saved.commit } : startCommit(agent, checked.attempt);
  };

  const originCommit = (agent: string): Base => {
    const workspace = workspaceOf(agent);
    if (workspace.mode !== 'clone') return { problem: `${agent} works in no clone` };
    if (workspace.from === null) return commitOf(workspace, commits);
    const saved = attempts(workspace.from).at(-1)?.workspace ?? null;
    if (saved?.commit) return { commit: saved.commit };
    const left = saved?.path ?? saved?.volume;
    if (left !== undefined)
      return { problem: `the work of ${workspace.from} is on no branch, but in ${left}` };
    return baseCommit(workspace.from);
  };

  return {
    clone: (agent, attempt) =>
      workspaceOf(agent).mode === 'clone' && !hasOtherFiles
        ? join(folder.attempt(agent, attempt), 'workspace')
        : null,
    cloneVolume: (agent, attempt) =>
      workspaceOf(agent).mode === 'clone' && hasOtherFiles
        ? attemptVolume(folder.runId, { agent, attempt }, 'workspace')
        : null,
    baseCommit,
    startCommit,
    originCommit,
    markUsed(repository) {
      const isFirst = !used.has(repository);
      used.add(repository);
      return isFirst;
    },
  };
}

/** An agent whose quota was used up continues with its own work. */
function commitBeforeQuota(attempts: readonly AttemptState[]): string | null {
  const last = attempts.findLast(({ status }) => status !== null);
  return last?.error?.kind === 'quota' ? last.workspace?.commit || null : null;
}

function commitOf(
  { repository }: Extract<AgentPlan['workspace'], { mode: 'clone' }>,
  commits: Readonly<Record<string, string>>,
): Base {
  const commit = commits[repository];
  return commit === undefined ? { problem: `the commit of ${repository} was not recorded` } : { commit };
}
