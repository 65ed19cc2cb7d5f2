import { UsageError } from '../errors.ts';
import type { AgentPlan, FlowPlan } from '../spec/plan.ts';
import { workTreeOf } from '../spec/workspaces.ts';
import { branchProblem, findRepository, headCommit } from '../workspace/repository.ts';

export interface CheckedWorkspaces {
  /** What each repository that is cloned is at now, by its root. */
  readonly commits: Readonly<Record<string, string>>;
  /** What a person should know before the agents begin. */
  readonly warnings: readonly string[];
}

/** What only git can say of workspaces, said before anything is started. */
export function checkWorkspaces({ agents }: FlowPlan): CheckedWorkspaces {
  const commits: Record<string, string> = {};
  const warnings: string[] = [];
  for (const [repository, name] of repositories(agents)) {
    const found = findRepository(repository);
    const commit = 'problem' in found ? found : (branchProblem(found, 'agent-flow') ?? headCommit(found));
    if (typeof commit !== 'string')
      throw new UsageError(`agents.${name}.workspace: ${repository} cannot be cloned: ${commit.problem}`);
    commits[repository] = commit;
  }
  const open = agents.filter(
    ({ workspace }) => workspace.mode === 'bind' && workTreeOf(workspace.path) === workspace.path,
  );
  if (open.length > 0) warnings.push(bound(open.map(({ name }) => name)));
  return { commits, warnings };
}

/** By root, with the first agent that names it. */
function repositories(agents: readonly AgentPlan[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { name, workspace } of agents)
    if (workspace.mode === 'clone' && !found.has(workspace.repository)) found.set(workspace.repository, name);
  return found;
}

const bound = (names: readonly string[]) =>
  `${names.join(', ')} ${names.length === 1 ? 'works' : 'work'} in your git repository itself. A hostile agent can change what git executes there; such a change is reported when it ends, not prevented. "mode": "clone" keeps it apart`;
