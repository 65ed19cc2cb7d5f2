import { loginFiles, sshAgentMounts } from '../agent-container/login-mounts.ts';
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
  /** It is mounted for a clone or a login, which can be sent to an engine with other files. */
  readonly canBeSent: boolean;
  /** A way to do without this mount. */
  readonly hint: string;
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
    const isClone = workspace.mode === 'clone';
    const entry = (path: string, use: Use, field: string = use): MountedPath => ({
      agent: name,
      field: `agents.${name}.${field}`,
      path,
      isWorkspace: field === 'workspace',
      isState: use === 'state',
      isClone: use === 'workspace' && isClone,
      canBeSent: use === 'auth' || (field === 'workspace' && isClone),
      hint: hints[use],
    });
    const needsState =
      workspace.mode === 'clone' ||
      (workspace.mode === 'bind' && !isShared(name) && protectedGitPaths(workspace.path).length > 0);
    return [
      ...workspacePaths(agent, writable).map(path => entry(path, 'workspace')),
      ...(needsState ? [entry(stateDir, 'state', 'workspace')] : []),
      ...mounts.flatMap(({ source, onHost = false }, index) =>
        onHost ? [] : [entry(source, 'mounts', `mounts[${index}].source`)],
      ),
      ...loginFiles(agent).map(({ source }) => entry(source, 'auth')),
      ...sshAgentMounts(agent).map(({ source }) => entry(source, 'auth.ssh')),
    ];
  });
}

type Use = keyof typeof hints;

const hints = {
  workspace:
    'use "mode": "clone" or "copy" for a workspace, or "onHost": true if it is a path of that machine',
  state: 'name another state directory with --state-dir',
  mounts: 'add "onHost": true to a mount whose source is a path of that machine',
  auth: 'leave a login out under "auth"',
  'auth.ssh': 'use "auth": {"ssh": "keys"}, whose files are sent, since an ssh-agent cannot be',
};

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
