import { UsageError } from '../errors.ts';
import type { ReusedWork } from '../spec/event-values.ts';
import type { AgentPlan, FlowPlan } from '../spec/plan.ts';
import type { Rerun } from '../store/run-file.ts';
import { branchCommit, findRepository } from '../workspace/repository.ts';

/**
 * Throw a `UsageError` if an agent of a rerun would continue from work that does not exist any more. A branch keeps its
 * commit, so the branch has to be where the earlier run left it.
 */
export function checkReused({ agents }: FlowPlan, { reused }: Rerun): void {
  const plans = new Map(agents.map(agent => [agent.name, agent]));
  const problems = agents.flatMap(agent => {
    if (Object.hasOwn(reused, agent.name)) return [];
    const start = startOf(agent, plans, reused);
    const problem = start && workProblem(start.repository, reused[start.name]!);
    return problem === null
      ? []
      : [
          `agents.${agent.name} continues from the work of ${start!.name}, and ${problem}. Or run it again: --from ${start!.name}`,
        ];
  });
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
}

interface Start {
  /** The reused agent whose work another one starts from. */
  readonly name: string;
  readonly repository: string;
}

/** Return the work that an agent starts from; null for none. An agent without changes leads to what it started from. */
function startOf(
  { workspace }: AgentPlan,
  plans: ReadonlyMap<string, AgentPlan>,
  reused: Rerun['reused'],
): Start | null {
  if (workspace.mode !== 'clone' || workspace.from === null || !Object.hasOwn(reused, workspace.from))
    return null;
  const { from, repository } = workspace;
  return reused[from]!.workspace === null
    ? startOf(plans.get(from)!, plans, reused)
    : { name: from, repository };
}

/** Return why nothing can start from this work, and the fix; null if something can. */
function workProblem(root: string, { workspace }: ReusedWork): string | null {
  const { branch = null, commit = null, path = null, volume } = workspace ?? {};
  if (branch === null || commit === null) return `that is on no branch, but in ${path ?? volume}`;
  const repository = findRepository(root);
  if ('problem' in repository) return `${root} cannot be cloned: ${repository.problem}`;
  const now = branchCommit(repository, branch);
  if (now === commit) return null;
  const where = now === null ? `does not exist` : `is at ${now.slice(0, 12)}`;
  return `the branch ${branch} of ${root} ${where}, not at ${commit.slice(0, 12)} any more. Restore it: git branch --force ${branch} ${commit}`;
}
