import type { Docker } from '../docker/cli.ts';
import { remoteEndpoint } from '../docker/endpoint.ts';
import { UsageError } from '../errors.ts';
import type { AgentPlan, FlowPlan } from '../spec/plan.ts';
import { workTreeOf } from '../spec/workspaces.ts';
import { findRepository, headCommit } from '../workspace/repository.ts';

export interface CheckedWorkspaces {
  /** What each repository that is cloned is at now, by its root. */
  readonly commits: Readonly<Record<string, string>>;
  /** What a person should know before the agents begin. */
  readonly warnings: readonly string[];
}

/** What only the engine's place and git can say of workspaces, said before anything is started. */
export async function checkWorkspaces(
  { agents }: FlowPlan,
  { docker }: { docker: Docker | null },
): Promise<CheckedWorkspaces> {
  const onHost = agents.filter(({ workspace: { mode } }) => mode === 'bind' || mode === 'clone');
  const remote = docker && onHost.length > 0 ? await remoteEndpoint(docker, process.env) : null;
  if (remote !== null)
    throw new UsageError(
      onHost
        .map(
          ({ name, workspace: { mode } }) =>
            `agents.${name}.workspace: "${mode}" cannot be had, for the Docker engine is on another machine (${remote}). Use "mode": "copy"`,
        )
        .join('\n'),
    );
  const commits: Record<string, string> = {};
  const warnings: string[] = [];
  for (const [repository, name] of repositories(agents)) {
    const found = findRepository(repository);
    const commit = 'problem' in found ? found : headCommit(found);
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
