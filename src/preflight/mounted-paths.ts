import { authMounts } from '../agent-container/create-args.ts';
import { isWithin } from '../spec/paths.ts';
import type { AgentPlan, FlowPlan } from '../spec/plan.ts';
import { protectedGitPaths } from '../workspace/protected-git.ts';
import { findRepository, repositoryRoots } from '../workspace/repository.ts';
import { sharedWorkspaces } from './shared-workspace.ts';
import { type NamedPath, writablePlaces } from './writable-mounts.ts';

/** A path of the host that Docker mounts into some container of a run. */
export interface MountedPath extends NamedPath {
  /** The path is the state directory, which the field needs. */
  readonly isState: boolean;
  /** The path is a repository that is cloned. */
  readonly isClone: boolean;
}

export interface MountedPathsOptions {
  readonly stateDir: string;
  /** Paths that agents of other runs can write to at this moment. */
  readonly livePlaces: readonly string[];
}

/** Return all that Docker mounts for these agents, in their own containers and in helper containers. */
export function mountedPaths(
  plan: FlowPlan,
  agents: readonly AgentPlan[],
  { stateDir, livePlaces }: MountedPathsOptions,
): MountedPath[] {
  const writable = [...writablePlaces(plan).map(({ path }) => path), ...livePlaces];
  const isShared = sharedWorkspaces(plan);
  return agents.flatMap(agent => {
    const { name, workspace, mounts } = agent;
    const entry = (field: string, path: string, isState = false): MountedPath => ({
      agent: name,
      field: `agents.${name}.${field}`,
      path,
      isWorkspace: field === 'workspace',
      isState,
      isClone: field === 'workspace' && workspace.mode === 'clone' && !isState,
    });
    const needsState =
      workspace.mode === 'clone' ||
      (workspace.mode === 'bind' && !isShared(name) && protectedGitPaths(workspace.path).length > 0);
    return [
      ...workspacePaths(agent, writable).map(path => entry('workspace', path)),
      ...(needsState ? [entry('workspace', stateDir, true)] : []),
      ...mounts.map(({ source }, index) => entry(`mounts[${index}].source`, source)),
      ...authMounts(agent).map(({ source }) => entry('auth', source)),
    ];
  });
}

function workspacePaths({ workspace }: AgentPlan, writable: readonly string[]): string[] {
  switch (workspace.mode) {
    case 'none':
      return [];
    case 'bind':
      return [workspace.path];
    case 'copy': {
      // A path that an agent may write to meanwhile is read by a helper container.
      const { path } = workspace;
      return writable.some(place => isWithin(path, place) || isWithin(place, path)) ? [path] : [];
    }
    case 'clone': {
      const repository = findRepository(workspace.repository);
      return 'problem' in repository ? [] : repositoryRoots(repository, writable);
    }
  }
}
