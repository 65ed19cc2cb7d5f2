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
    ...mountsOf(agent, ({ readOnly, onHost = false }) => !readOnly && !onHost),
  ]);

/** Return the paths of the engine's machine that are mounted, and those of them that agents can write to. */
export const pathsOnHost = ({ agents }: FlowPlan): { sources: NamedPath[]; places: NamedPath[] } => ({
  sources: agents.flatMap(agent => mountsOf(agent, ({ onHost = false }) => onHost)),
  places: agents.flatMap(agent => mountsOf(agent, ({ readOnly, onHost = false }) => !readOnly && onHost)),
});

/** Return all paths that the supervisor or Docker opens on the host once agents run. Builds have their own rule. */
export const openedSources = ({ agents }: FlowPlan): NamedPath[] =>
  agents.flatMap(agent => {
    const { name, workspace, auth, secrets } = agent;
    const login = [...auth.files.map(({ source }) => source), ...(auth.sshAgent ? [auth.sshAgent] : [])];
    return [
      ...(workspace.mode === 'bind' || workspace.mode === 'copy' ? [workspaceOf(agent, workspace.path)] : []),
      ...(workspace.mode === 'clone' ? [workspaceOf(agent, workspace.repository)] : []),
      ...mountsOf(agent, ({ onHost = false }) => !onHost),
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

type MountPlan = AgentPlan['mounts'][number];

const mountsOf = ({ name, mounts }: AgentPlan, isWanted: (mount: MountPlan) => boolean): NamedPath[] =>
  mounts.flatMap((mount, index) =>
    isWanted(mount)
      ? [{ agent: name, field: mountField(name, mount, index), path: mount.source, isWorkspace: false }]
      : [],
  );

/** Return the field of the spec with the source of a mount. A workspace of the engine's machine is mounted, too. */
export const mountField = (agent: string, { target }: Pick<MountPlan, 'target'>, index: number): string =>
  `agents.${agent}.${target === '/workspace' ? 'workspace.path' : `mounts[${index}].source`}`;

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
