import { type Stats, statSync } from 'node:fs';
import type { ContainerSupport } from '../docker/engine-info.ts';
import { UsageError } from '../errors.ts';
import type { AgentPlan, FlowPlan, UserPlan } from '../spec/plan.ts';
import { capitalized } from '../text/text.ts';

/** The user by whose permissions an agent reads and writes files of the host. */
interface HostUser {
  readonly name: string;
  readonly mayUse: (file: Stats, rights: number) => boolean;
  /** The user to name in the spec instead; null if none would do. */
  readonly instead: (file: Stats) => string | null;
  /** Another way to let the agent work in a directory. */
  readonly otherwise: (path: string) => string;
}

/** Check what is mounted from this machine. Throws a `UsageError` if an agent could not use it. */
export function checkPermissions({ agents }: Pick<FlowPlan, 'agents'>, engine: ContainerSupport): void {
  const problems = agents.flatMap(agent => permissionProblems(agent, engine));
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
}

/** List the workspaces, mounts and logins that the permissions of the host keep an agent from. */
export function permissionProblems(agent: AgentPlan, engine: ContainerSupport): string[] {
  const user = hostUser(agent, engine);
  if (user === null) return [];
  return [
    ...unwritableWorkspace(agent, user),
    ...unusableMounts(agent, user, engine),
    ...unreadableLogins(agent, user),
  ];
}

/** Return null for root, which may use everything, and for a user whose ids on the host are unknown. */
function hostUser({ user, image, build }: AgentPlan, engine: ContainerSupport): HostUser | null {
  const isImagesOwn = user === null && (image !== null || build !== null);
  if (engine.remappedRoot !== null)
    return isImagesOwn
      ? anyRemapped(engine.remappedRoot)
      : remapped(user ?? { uid: 0, gid: 0 }, engine.remappedRoot);
  if (engine.isRemapped || user === null || user.uid === 0) return null;
  return engine.isRootless ? subordinate(user) : plainUser(user);
}

const plainUser = (user: UserPlan): HostUser => ({
  name: ids(user),
  mayUse: (file, rights) => hasRights(user, file, rights),
  instead: file => `Use "user": "${ids(file)}"`,
  otherwise: path => giveTo(user, path),
});

const giveTo = (user: UserPlan, path: string) => `give it the directory: chown -R ${ids(user)} ${path}`;

function remapped(user: UserPlan, root: UserPlan): HostUser {
  const host = { uid: root.uid + user.uid, gid: root.gid + user.gid };
  return {
    name: `${user.uid === 0 ? 'root of its container' : ids(user)}, which the engine maps to ${ids(host)} of the host (userns-remap),`,
    mayUse: (file, rights) => hasRights(host, file, rights),
    instead: () => null,
    otherwise: path => `Use "mode": "clone" or "copy", or ${giveTo(host, path)}`,
  };
}

/** The number of ids that the engine maps: the default of useradd. */
const remappedIds = 65_536;

/** Return the user of an image: any id that the engine maps. */
function anyRemapped(root: UserPlan): HostUser {
  const isMapped = (id: number, first: number) => id >= first && id < first + remappedIds;
  return {
    name: `any user of its image, which the engine maps to ${ids(root)} and up of the host (userns-remap),`,
    mayUse: (file, rights) =>
      isMapped(file.uid, root.uid) || isMapped(file.gid, root.gid) || hasRights(otherUser, file, rights),
    instead: () => null,
    otherwise: path => `Use "mode": "clone" or "copy", or ${giveTo(root, path)}`,
  };
}

const otherUser = { uid: -1, gid: -1 };

/** Return a user on a rootless engine: the caller is root in containers, and any other id owns none of the caller's files. */
const subordinate = (user: UserPlan): HostUser => ({
  name: `${ids(user)}, who is not ${ids(user)} of the host on a rootless engine,`,
  mayUse: (file, rights) => file.uid !== process.getuid?.() || hasRights(otherUser, file, rights),
  instead: () => 'Leave "user" out, as root of its container has your rights',
  otherwise: () => 'use "mode": "clone"',
});

function unwritableWorkspace({ name, user: wanted, workspace }: AgentPlan, user: HostUser): string[] {
  if (workspace.mode !== 'bind') return [];
  const file = statSync(workspace.path);
  if (user.mayUse(file, 0o7)) return [];
  const field = wanted === null ? 'workspace' : 'user';
  const mode = (file.mode & 0o777).toString(8);
  const hint = [user.instead(file), user.otherwise(workspace.path)].filter(Boolean).join(', or ');
  return [
    `agents.${name}.${field}: ${user.name} may not work in ${workspace.path}, which belongs to ${ids(file)} with mode ${mode}. ${hint}`,
  ];
}

/** Check mounts only if ids are mapped: otherwise the spec shows it. */
function unusableMounts({ name, mounts }: AgentPlan, user: HostUser, engine: ContainerSupport): string[] {
  if (!engine.isRemapped) return [];
  return mounts.flatMap(({ source, readOnly, onHost = false }, index) => {
    if (onHost) return [];
    const file = statSync(source);
    const rights = (file.isDirectory() ? 0o5 : 0o4) | (readOnly ? 0 : 0o2);
    if (user.mayUse(file, rights)) return [];
    const verb = readOnly ? 'read' : 'write to';
    const problem = `${user.name} may not ${verb} ${source}, which belongs to ${ids(file)}`;
    return [`agents.${name}.mounts[${index}].source: ${problem}. Change its owner or its mode`];
  });
}

/** Check logins early: an unreadable one would be noticed only when it is used. */
function unreadableLogins({ name, user: wanted, auth }: AgentPlan, user: HostUser): string[] {
  const files = auth.sshAgent === null ? auth.files : [...auth.files, { source: auth.sshAgent }];
  return files.flatMap(({ source }) => {
    const file = statSync(source);
    if (user.mayUse(file, 0o4)) return [];
    const hint = [user.instead(file), 'leave it out under "auth"'].filter(Boolean).join(', or ');
    return [
      `agents.${name}.${wanted === null ? 'auth' : 'user'}: ${user.name} may not read ${source}, which belongs to ${ids(file)}. ${capitalized(hint)}`,
    ];
  });
}

const ids = ({ uid, gid }: UserPlan) => `${uid}:${gid}`;

function hasRights(user: UserPlan, file: Stats, rights: number): boolean {
  const shift = user.uid === file.uid ? 6 : user.gid === file.gid ? 3 : 0;
  return ((file.mode >> shift) & rights) === rights;
}
