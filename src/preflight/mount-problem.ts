import type { EngineInfo } from '../docker/engine-info.ts';
import { UsageError } from '../errors.ts';
import { changedReason, type Forbidden, forbiddenReason } from '../spec/forbidden.ts';
import type { AgentPlan, FlowPlan } from '../spec/plan.ts';
import type { StateDir } from '../store/state-directory.ts';
import { mountField } from './writable-mounts.ts';

/** Check what the spec alone does not show about the host directories of agents. */
export function checkSources(plan: FlowPlan, stateDir: StateDir, engine: EngineInfo): void {
  const problems = plan.agents.flatMap(agent => [
    ...agent.mounts.flatMap((mount, index) => {
      const { source, onHost: isOnHost = false } = mount;
      const why = forbiddenReason(source, { ...forbidden(stateDir, engine), isOnHost });
      return why === null
        ? []
        : [`${mountField(agent.name, mount, index)}: ${source} is never given to an agent: ${why}`];
    }),
    ...(agent.skills ?? []).flatMap(({ source }) => {
      const why = forbiddenReason(source, forbidden(stateDir, engine));
      return why === null
        ? []
        : [`agents.${agent.name}.skills: ${source} is never given to an agent: ${why}`];
    }),
    ...foreignCopy(agent),
  ]);
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
}

/** Return what changed about an agent's sources since they were checked; null if nothing did. */
export function findMountProblem(
  { workspace, mounts, auth, skills = [] }: AgentPlan,
  stateDir: StateDir,
  engine: EngineInfo,
): string | null {
  const rules = forbidden(stateDir, engine);
  const isGiven = workspace.mode === 'bind' || workspace.mode === 'copy';
  const own = isGiven ? changedReason(workspace.path, rules) : null;
  return (
    own ??
    [...mounts.filter(({ onHost = false }) => !onHost), ...auth.files, ...skills]
      .map(({ source }) => changedReason(source, rules))
      .find(why => why !== null) ??
    null
  );
}

const forbidden = (stateDir: StateDir, engine: EngineInfo): Forbidden => ({
  stateDir: stateDir.path,
  engineDir: engine.rootDir,
});

/** Files that docker copies into a container belong to root there. */
function foreignCopy({ name, user, workspace }: AgentPlan): string[] {
  if (user === null || user.uid === 0 || workspace.mode !== 'copy') return [];
  return [
    `agents.${name}.user: ${user.uid}:${user.gid} could not change a copy, whose files are root's. Use "mode": "clone", or leave "user" out`,
  ];
}
