import { UsageError } from '../errors.ts';
import type { AgentPlan, FlowPlan } from '../spec/plan.ts';
import { findWorkTree } from '../spec/workspaces.ts';

import { findGitProblem } from '../workspace/bound-repository.ts';
import { findUncopyable } from '../workspace/copy-source.ts';
import { branchProblem, findRepository, headCommit } from '../workspace/repository.ts';

export interface CheckedWorkspaces {
  /** The current commit of each repository that is cloned, by its root. */
  readonly commits: Readonly<Record<string, string>>;
  /** Warnings for the user before the agents start. */
  readonly warnings: readonly string[];
}

/** Check workspaces with git before anything is started. */
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
    ({ workspace }) => workspace.mode === 'bind' && findWorkTree(workspace.path) === workspace.path,
  );
  if (open.length > 0) warnings.push(bound(open.map(({ name }) => name)));
  for (const [why, names] of brokenGit(agents))
    warnings.push(`git does not work in the container of ${names.join(', ')}: ${why}`);
  return { commits, warnings };
}

/**
 * Find files of a directory that docker would not copy, silently or with a message that names none. Throws if the caller
 * may not read a part of it; returns warnings.
 */
export async function checkCopies({ agents }: FlowPlan): Promise<string[]> {
  const problems: string[] = [];
  const warnings: string[] = [];
  const sources = new Map<string, string>();
  for (const { name, workspace } of agents)
    if (workspace.mode === 'copy' && !sources.has(workspace.path)) sources.set(workspace.path, name);
  for (const [path, name] of sources) {
    const { closed, sockets } = await findUncopyable(path);
    if (closed.length > 0)
      problems.push(
        `agents.${name}.workspace: ${path} cannot be copied whole, since you may not read ${listed(closed)} in it. Change the owner or the mode, or move it out of there`,
      );
    if (sockets.length > 0)
      warnings.push(`sockets in ${path} are not in the copy of ${name}: ${listed(sockets)}`);
  }
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return warnings;
}

const maxNames = 5;

const listed = (names: readonly string[]) =>
  names.length > maxNames
    ? `${names.slice(0, maxNames).join(', ')} and ${names.length - maxNames} more`
    : names.join(', ');

/** Names of agents, by why git does not work in their workspace. */
function brokenGit(agents: readonly AgentPlan[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { name, workspace, mounts } of agents) {
    const why = workspace.mode === 'bind' ? findGitProblem(workspace.path, mounts) : null;
    if (why !== null) found.set(why, [...(found.get(why) ?? []), name]);
  }
  return found;
}

/** The repositories by root, each with the first agent that names it. */
function repositories(agents: readonly AgentPlan[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { name, workspace } of agents)
    if (workspace.mode === 'clone' && !found.has(workspace.repository)) found.set(workspace.repository, name);
  return found;
}

const bound = (names: readonly string[]) =>
  `${names.join(', ')} ${names.length === 1 ? 'works' : 'work'} in your git repository itself. A hostile agent can change what git executes there; such a change is reported when it ends, not prevented. "mode": "clone" keeps it apart`;
