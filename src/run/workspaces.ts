import { join } from 'node:path';
import type { Base } from '../actors/context.ts';
import type { FlowPlan } from '../spec/plan.ts';
import type { AttemptState } from '../state/agent-state.ts';
import type { RunFolder } from '../store/state-directory.ts';

export interface WorkspacesOptions {
  readonly plan: FlowPlan;
  readonly folder: RunFolder;
  readonly commits: Readonly<Record<string, string>>;
  /** What the journal tells of an agent's attempts. */
  readonly attempts: (agent: string) => readonly AttemptState[];
}

/** Where the agents of a run have their files, and where they start from. */
export function workspacesOf({ plan, folder, commits, attempts }: WorkspacesOptions) {
  const workspace = (agent: string) => plan.agents.find(({ name }) => name === agent)!.workspace;

  const clone = (agent: string, attempt: number) =>
    workspace(agent).mode === 'clone' ? join(folder.attempt(agent, attempt), 'workspace') : null;

  function base(agent: string): Base {
    const own = workspace(agent);
    // Whose plan was used up goes on with what it had.
    const before = attempts(agent).findLast(({ status }) => status !== null);
    if (before?.workspace?.commit && before.error?.kind === 'quota')
      return { commit: before.workspace.commit };
    if (own.mode !== 'clone') return { fault: `${agent} works in no clone` };
    if (own.from === null) {
      const commit = commits[own.repository];
      return commit === undefined ? { fault: `where ${own.repository} was is not written down` } : { commit };
    }
    const saved = attempts(own.from).at(-1)?.workspace ?? null;
    if (saved?.commit) return { commit: saved.commit };
    if (saved?.path) return { fault: `the work of ${own.from} is on no branch, but in ${saved.path}` };
    return base(own.from);
  }

  return {
    clone,
    base,
  };
}
