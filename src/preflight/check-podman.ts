import type { EngineInfo } from '../docker/engine-info.ts';
import { isMountable } from '../docker/podman.ts';
import { UsageError } from '../errors.ts';
import { escapeControl } from '../spec/escape-control.ts';
import type { AgentPlan, FlowPlan } from '../spec/plan.ts';
import type { StateDir } from '../store/state-directory.ts';
import { openedSources } from './writable-mounts.ts';

/**
 * Refuse what Podman accepts through its docker-compatible socket but does differently, or not at all. Throws a
 * `UsageError` that names each field.
 */
export function checkPodman(
  plan: FlowPlan,
  { path: stateDir }: Pick<StateDir, 'path'>,
  { isPodman }: Pick<EngineInfo, 'isPodman'>,
): void {
  if (!isPodman) return;
  const problems = [
    ...(isMountable(stateDir) ? [] : [unmountable('the state directory', stateDir)]),
    ...plan.agents.flatMap(agent => [...networkProblems(agent), ...gpuProblems(agent)]),
    ...sources(plan)
      .filter(({ path }) => !isMountable(path))
      .map(({ field, path }) => unmountable(field, path)),
  ];
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
}

const instead = 'or use a Docker engine';

/** Podman routes between its networks, and ignores the option that isolates the containers of one. */
function networkProblems({ name, network: { mode } }: AgentPlan): string[] {
  if (mode !== 'isolated' && mode !== 'allow') return [];
  const kind = mode === 'isolated' ? '"isolated"' : 'a list of hosts';
  return [
    `agents.${name}.network: Podman does not support ${kind}: its networks are not separated from each other. Use "shared" or "none", ${instead}`,
  ];
}

function gpuProblems({ name, gpus }: AgentPlan): string[] {
  if (gpus === null) return [];
  return [`agents.${name}.gpus: Podman ignores "gpus". Remove it, ${instead}`];
}

const unmountable = (field: string, path: string) =>
  `${field}: Podman cannot mount ${escapeControl(path)}, since it has a comma, a quote or a line break in it. Rename it, ${instead}`;

/** Return the paths that are mounted. Secrets are read by this process, and copies are sent. */
function sources(plan: FlowPlan) {
  const copied = new Set(
    plan.agents.filter(agent => agent.workspace.mode === 'copy').map(({ name }) => name),
  );
  const targets = plan.agents.flatMap(({ name, mounts }) =>
    mounts.map(({ target }, index) => ({ field: `agents.${name}.mounts[${index}].target`, path: target })),
  );
  const opened = openedSources(plan).filter(
    ({ agent, field, isWorkspace }) => !field.includes('.secrets[') && !(isWorkspace && copied.has(agent)),
  );
  return [...opened, ...targets];
}
