import { join } from 'node:path';
import type { Base, WorkspacePort } from '../actors/context.ts';
import { attemptVolume } from '../agent-container/names.ts';
import type { AgentPlan, FlowPlan } from '../spec/plan.ts';
import type { AttemptState } from '../state/agent-state.ts';
import { continuationOf } from '../state/continuation.ts';
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
  'clone' | 'cloneVolume' | 'startCommit' | 'originCommit' | 'markUsed'
> {
  const used = new Set<string>();
  const plans = new Map(plan.agents.map(agent => [agent.name, agent]));
  const workspaceOf = (agent: string) => plans.get(agent)!.workspace;

  const startCommit = (agent: string, attempt: number): Base => {
    const all = attempts(agent);
    const continued = continuationOf(plans.get(agent)!, all, attempt);
    if (continued === null) return originCommit(agent);
    const saved = all.find(entry => entry.attempt === continued.attempt)?.workspace;
    // One that changed nothing leaves what it started from.
    return saved?.commit ? { commit: saved.commit } : startCommit(agent, continued.attempt);
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
    return originCommit(workspace.from);
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
    startCommit,
    originCommit,
    markUsed(repository) {
      const isFirst = !used.has(repository);
      used.add(repository);
      return isFirst;
    },
  };
}

function commitOf(
  { repository }: Extract<AgentPlan['workspace'], { mode: 'clone' }>,
  commits: Readonly<Record<string, string>>,
): Base {
  const commit = commits[repository];
  return commit === undefined ? { problem: `the commit of ${repository} was not recorded` } : { commit };
}
