import { statSync } from 'node:fs';
import type { EngineInfo } from '../docker/engine-info.ts';
import { UsageError } from '../errors.ts';
import { type Forbidden, whyForbidden, whyMoved } from '../spec/forbidden.ts';
import type { AgentPlan, FlowPlan, UserPlan } from '../spec/plan.ts';
import type { StateDir } from './state-dir.ts';

/** What the spec alone cannot say of the host's directories that agents are given. */
export function checkSources(plan: FlowPlan, stateDir: StateDir, engine: EngineInfo): void {
  const problems = plan.agents.flatMap(agent => [
    ...agent.mounts.flatMap(({ source }, index) => {
      const why = whyForbidden(source, forbidden(stateDir, engine));
      return why === null
        ? []
        : [`agents.${agent.name}.mounts[${index}].source: ${source} is never given to an agent: ${why}`];
    }),
    ...unwritable(agent),
    ...unreadable(agent),
    ...foreignCopy(agent),
  ]);
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
}

/** What has become of an agent's sources since they were checked; null where all are as they were. */
export function whyUnfit(
  { workspace, mounts, auth }: AgentPlan,
  stateDir: StateDir,
  engine: EngineInfo,
): string | null {
  const rules = forbidden(stateDir, engine);
  const isGiven = workspace.mode === 'bind' || workspace.mode === 'copy';
  const own = isGiven ? whyMoved(workspace.path, rules) : null;
  return (
    own ??
    [...mounts, ...auth.files].map(({ source }) => whyMoved(source, rules)).find(why => why !== null) ??
    null
  );
}

const forbidden = (stateDir: StateDir, engine: EngineInfo): Forbidden => ({
  stateDir: stateDir.path,
  engineDir: engine.rootDir,
});

/** What docker copies into a container is root's there. */
function foreignCopy({ name, user, workspace }: AgentPlan): string[] {
  if (user === null || user.uid === 0 || workspace.mode !== 'copy') return [];
  return [
    `agents.${name}.user: ${user.uid}:${user.gid} could not change a copy, whose files are root’s. Use "mode": "clone", or leave "user" out`,
  ];
}

/** Root reads and writes whatever there is; anybody else only what its permissions say. */
function unwritable({ name, user, workspace }: AgentPlan): string[] {
  if (user === null || user.uid === 0 || workspace.mode !== 'bind') return [];
  const { uid, gid, mode } = statSync(workspace.path);
  if (mayUse(user, { uid, gid, mode }, 0o7)) return [];
  const rights = (mode & 0o777).toString(8);
  return [
    `agents.${name}.user: ${user.uid}:${user.gid} may not work in ${workspace.path}, which is ${uid}:${gid}’s with mode ${rights}. Say "user": "${uid}:${gid}", or give it the directory: chown -R ${user.uid}:${user.gid} ${workspace.path}`,
  ];
}

/** A login that the agent may not read would be missed only when it is used. */
function unreadable({ name, user, auth }: AgentPlan): string[] {
  if (user === null || user.uid === 0) return [];
  const files = auth.sshAgent === null ? auth.files : [...auth.files, { source: auth.sshAgent }];
  return files.flatMap(({ source }) => {
    const { uid, gid, mode } = statSync(source);
    if (mayUse(user, { uid, gid, mode }, 0o4)) return [];
    return [
      `agents.${name}.user: ${user.uid}:${user.gid} may not read ${source}, which is ${uid}:${gid}’s. Say "user": "${uid}:${gid}", or leave it out under "auth"`,
    ];
  });
}

function mayUse(user: UserPlan, file: { uid: number; gid: number; mode: number }, rights: number): boolean {
  const shift = user.uid === file.uid ? 6 : user.gid === file.gid ? 3 : 0;
  return ((file.mode >> shift) & rights) === rights;
}
