import type { AgentPlan, FlowPlan } from '../spec/plan.ts';
import { type FileIdentity, identitiesAbove, identityOf, realPath } from './containment.ts';

/** A path of the host that a plan names. */
export interface NamedPath {
  readonly agent: string;
  /** Its path in the spec, such as `agents.a.mounts[0].source`. */
  readonly field: string;
  readonly path: string;
  readonly isWorkspace: boolean;
}

/** Return all paths of the host that agents of a flow can write to. */
export const writablePlaces = ({ agents }: FlowPlan): NamedPath[] =>
  agents.flatMap(agent => [
    ...(agent.workspace.mode === 'bind' ? [workspaceOf(agent, agent.workspace.path)] : []),
    ...mountsOf(agent).filter((_, index) => !agent.mounts[index]!.readOnly),
  ]);

/** Return all paths that the supervisor or Docker opens on the host once agents run. Builds have their own rule. */
export const openedSources = ({ agents }: FlowPlan): NamedPath[] =>
  agents.flatMap(agent => {
    const { name, workspace, auth, secrets } = agent;
    const login = [...auth.files.map(({ source }) => source), ...(auth.sshAgent ? [auth.sshAgent] : [])];
    return [
      ...(workspace.mode === 'bind' || workspace.mode === 'copy' ? [workspaceOf(agent, workspace.path)] : []),
      ...(workspace.mode === 'clone' ? [workspaceOf(agent, workspace.repository)] : []),
      ...mountsOf(agent),
      ...login.map(path => ({ agent: name, field: `agents.${name}.auth`, path, isWorkspace: false })),
      ...secrets.flatMap(({ file }, index) => {
        const field = `agents.${name}.secrets[${index}].file`;
        return file === null ? [] : [{ agent: name, field, path: file, isWorkspace: false }];
      }),
    ];
  });

const workspaceOf = ({ name }: AgentPlan, path: string): NamedPath => ({
  agent: name,
  field: `agents.${name}.workspace`,
  path,
  isWorkspace: true,
});

const mountsOf = ({ name, mounts }: AgentPlan): NamedPath[] =>
  mounts.map(({ source }, index) => ({
    agent: name,
    field: `agents.${name}.mounts[${index}].source`,
    path: source,
    isWorkspace: false,
  }));

export interface Exposed {
  readonly source: NamedPath;
  readonly place: NamedPath;
}

/**
 * Return the sources strictly below a path that an agent can write to: it can put a link there, which is followed on the
 * host later. The path itself cannot be renamed from within. The cost is linear in the number of paths.
 */
export function exposedSources(sources: readonly NamedPath[], places: readonly NamedPath[]): Exposed[] {
  const byIdentity = new Map<FileIdentity, NamedPath>();
  for (const place of distinct(places)) byIdentity.set(identityOf(realPath(place.path)), place);
  const above = new Map<string, NamedPath | undefined>();
  for (const { path } of distinct(sources)) {
    const found = identitiesAbove(path).find(identity => byIdentity.has(identity));
    above.set(path, found === undefined ? undefined : byIdentity.get(found));
  }
  return sources.flatMap(source => {
    const place = above.get(source.path);
    return place === undefined ? [] : [{ source, place }];
  });
}

/** Return the first entry of each path. */
const distinct = (named: readonly NamedPath[]) =>
  [...Map.groupBy(named, ({ path }) => path).values()].map(([first]) => first!);
