import { hostNames, planOn } from '../connection/run-hosts.ts';
import { UsageError } from '../errors.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { lockHolder } from '../store/lock.ts';
import { nameOf } from '../store/lock-holder.ts';
import { readRunFile } from '../store/run-file.ts';
import type { RunFolder, StateDir } from '../store/state-directory.ts';
import { statFile } from '../store/state-files.ts';
import { type FileIdentity, identitiesAbove, identityOf, isWithin, realPath } from './containment.ts';
import { exposedBuilds } from './exposed-builds.ts';
import {
  type Exposed,
  exposedSources,
  openedSources,
  pathsOnHost,
  writablePlaces,
} from './writable-mounts.ts';

/** Refuse a plan in which an agent could write to what the engine opens by name: its state directory, or another source. */
export function checkPlaces(plan: FlowPlan, stateDir: StateDir): void {
  const problems = [
    ...stateDirProblems(plan, stateDir.path),
    ...exposedSources(openedSources(plan), writablePlaces(plan)).map(exposed => exposedProblem(exposed)),
    ...problemsOnHosts(plan),
  ];
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
}

/** The same for paths of the machines of engines, by their names. */
function problemsOnHosts(plan: FlowPlan): string[] {
  return hostNames(plan.agents).flatMap(name => {
    const { sources, places } = pathsOnHost(planOn(plan, { names: [name] }));
    return exposedSources(sources, places).map(exposed => exposedProblem(exposed));
  });
}

function stateDirProblems({ agents }: FlowPlan, stateDir: string): string[] {
  const above = new Set<FileIdentity>([identityOf(stateDir), ...identitiesAbove(stateDir)]);
  return agents.flatMap(({ name, workspace }) => {
    if (workspace.mode === 'none') return [];
    const path = workspace.mode === 'clone' ? workspace.repository : workspace.path;
    const refuse = (why: string) => [
      `agents.${name}.workspace: ${path} ${why} the state directory ${stateDir}, where an agent could take runs over. Name another state directory with --state-dir`,
    ];
    // Only commits of a cloned repository reach the agent.
    if (workspace.mode !== 'clone' && above.has(identityOf(realPath(path)))) return refuse('contains');
    return isWithin(path, stateDir) ? refuse('lies in') : [];
  });
}

function exposedProblem({ source, place }: Exposed, run = ''): string {
  const writer = source.agent === place.agent && run === '' ? 'the agent itself' : `${place.agent}${run}`;
  const fix = source.isWorkspace
    ? 'Give both the same directory, or use "mode": "clone"'
    : 'Move it out of there, or use "mode": "clone" for the workspace';
  return `${source.field}: ${source.path} lies in ${place.path}, where ${writer} can write and could put a link in its place. ${fix}`;
}

/**
 * Refuse a plan whose agents, and those of a live run, could write to each other's sources or builds. A run whose
 * supervisor is gone is alive as long as `hasContainers`: its agents continue.
 */
export async function checkLiveRuns(
  plan: FlowPlan,
  stateDir: StateDir,
  own: RunFolder,
  hasContainers: (folder: RunFolder) => Promise<boolean>,
): Promise<void> {
  const problems: string[] = [];
  for (const folder of stateDir.recorded()) {
    // A run with a result has ended.
    const isOther = folder.runId !== own.runId && statFile(folder.result) === undefined;
    const other = isOther ? planOf(folder) : null;
    const found = other === null ? [] : conflicts(plan, other, folder.runId);
    if (found.length === 0) continue;
    const holder = lockHolder(folder.lock);
    if (holder === null && !(await hasContainers(folder))) continue;
    problems.push(...found);
    if (holder !== null && holder.doubt !== null)
      problems.push(
        `${folder.runId} is being executed by ${nameOf(holder)}, if that is alive. If it is gone: agent-flow stop --force ${folder.runId}`,
      );
  }
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
}

function conflicts(plan: FlowPlan, other: FlowPlan, runId: string): string[] {
  const [places, theirs] = [writablePlaces(plan), writablePlaces(other)];
  return [
    ...exposedSources(openedSources(plan), theirs).map(exposed =>
      exposedProblem(exposed, ` of the run ${runId}`),
    ),
    ...exposedSources(openedSources(other), places).map(
      ({ source, place }) =>
        `${place.field}: ${place.path} contains ${source.path}, which the run ${runId} uses. Wait for its end, or use "mode": "clone"`,
    ),
    ...exposedBuilds(plan, theirs).map(
      ({ name, build }) =>
        `agents.${name}.build: agents of the run ${runId} can write to what is built in ${build!.context}. Wait for its end`,
    ),
    ...exposedBuilds(other, places).map(
      ({ name, build }) =>
        `agents can write to what ${name} of the run ${runId} is built of in ${build!.context}. Wait for its end, or use "mode": "clone"`,
    ),
  ];
}

/** Return what agents of other unfinished runs can write: those of an interrupted run may still be running. */
export const livePlaces = (stateDir: StateDir, own: Pick<RunFolder, 'runId'>): string[] =>
  stateDir
    .recorded()
    .filter(({ runId, result }) => runId !== own.runId && statFile(result) === undefined)
    .flatMap(folder => {
      const plan = planOf(folder);
      return plan === null ? [] : writablePlaces(plan).map(({ path }) => path);
    });

/** Return null for a record that is not valid: `resume` refuses it. */
function planOf(folder: RunFolder): FlowPlan | null {
  try {
    return readRunFile(folder).plan;
  } catch {
    return null;
  }
}
