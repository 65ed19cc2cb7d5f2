import { hostname } from 'node:os';
import { join } from 'node:path';
import { asStepError } from '../../machines/step-error.ts';
import { probeFiles } from '../agent-container/file-probe.ts';
import { loginFiles } from '../agent-container/login-mounts.ts';
import type { Docker } from '../docker/cli.ts';
import { type EngineAddress, isDefaultSocket } from '../docker/engine-address.ts';
import type { EngineInfo } from '../docker/engine-info.ts';
import { EngineError, FlowError } from '../errors.ts';
import { ensureBaseImage } from '../images/base.ts';
import { packageFolder } from '../package.ts';
import { readLogins } from '../secrets/sent-logins.ts';
import { isWithin } from '../spec/paths.ts';
import type { AgentPlan, FlowPlan } from '../spec/plan.ts';
import type { StateDir } from '../store/state-directory.ts';
import { capitalized } from '../text/text.ts';
import { livePlaces } from './check-mounts.ts';
import { mountPoints, separateMounts } from './mount-namespace.ts';
import { type MountedPath, mountedPaths } from './mounted-paths.ts';
import { type AskEngine, unsharedPaths } from './shared-files.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Return why the Docker engine may have other files at a path than this process; null if nothing indicates that. */
export function whyElsewhere(
  { host }: EngineAddress,
  engine: Pick<EngineInfo, 'hostName'>,
  env: Environment,
): string | null {
  if (!isDefaultSocket(host)) return `the Docker engine is at ${host}`;
  const separate = separateMounts({ env });
  if (separate !== null || engine.hostName === null || engine.hostName === hostname()) return separate;
  return `the Docker engine runs on ${engine.hostName}, and this process on ${hostname()}`;
}

export interface CheckFilesOptions {
  readonly docker: Docker;
  readonly engine: EngineInfo;
  readonly address: EngineAddress;
  readonly stateDir: StateDir;
  /** Default: one that has not begun. */
  readonly runId?: string;
  /** Default: all of the plan. */
  readonly agents?: readonly AgentPlan[];
  /** Clones and logins of the run are sent, whatever files the engine has. Default false. */
  readonly isSent?: boolean;
  /** The agents are placed on any of several engines: none of them counts as having the files of this machine. Default false. */
  readonly isPlaced?: boolean;
}

/**
 * Return what is mounted for these agents, and why it may be other files; null if nothing indicates that. Throws for a path
 * of the engine's machine if that is this one.
 */
export function mountsElsewhere(
  plan: FlowPlan,
  {
    engine,
    address,
    stateDir,
    runId = '',
    agents = plan.agents,
    isSent = false,
    isPlaced = false,
  }: Omit<CheckFilesOptions, 'docker'>,
): { mounted: MountedPath[]; reason: string } | null {
  if (!agents.some(mayMount)) return null;
  const reason = isPlaced ? reasonOfPlaced : whyElsewhere(address, engine, process.env);
  if (reason === null) {
    refuseOnHost(agents);
    return null;
  }
  const places = livePlaces(stateDir, { runId });
  const all = mountedPaths(plan, agents, { stateDir: stateDir.path, livePlaces: places });
  const mounted = isSent ? all.filter(({ canBeSent }) => !canBeSent) : all;
  return mounted.length === 0 ? null : { mounted, reason };
}

const reasonOfPlaced = 'the nodes of a Docker Swarm have files of their own';

/** A path of this machine has to be found and checked, see `findMount`. */
function refuseOnHost(agents: readonly AgentPlan[]): void {
  const agent = agents.find(({ mounts }) => mounts.some(({ onHost = false }) => onHost));
  if (agent === undefined) return;
  const problem = `agents.${agent.name}: "onHost" is for an engine on another machine, and this one has the files of this machine. Leave it out`;
  throw new FlowError(problem, 2);
}

const mayMount = ({ workspace, mounts, auth }: AgentPlan) =>
  workspace.mode !== 'none' || mounts.length > 0 || auth.files.length > 0 || auth.sshAgent !== null;

/**
 * Check whether the engine has our files: Docker resolves a path on the engine's own machine. If its files may differ from
 * ours, a container checks a mount of each path before anything starts. Resolves with true if clones and logins must be sent
 * to the engine. Throws for any other mount that would be other files, and for logins that are too large to be sent.
 */
export async function checkFiles(plan: FlowPlan, options: CheckFilesOptions): Promise<boolean> {
  const elsewhere = mountsElsewhere(plan, options);
  if (elsewhere === null) return false;
  const { docker, engine } = options;
  const timeout = Math.max(...plan.agents.map(({ timeouts }) => timeouts.build));
  const byPath = Map.groupBy(elsewhere.mounted.flatMap(withMountsBelow()), ({ path }) => path);
  const images = [...new Set(plan.agents.flatMap(({ image }) => image ?? []))].slice(0, maxImages);
  const ask = askEngine({ docker, engine, images, timeout });
  const isPart = (point: string, path: string) =>
    byPath.get(path)!.some(mounted => isWithin(point, partOf(mounted)));
  const unshared = options.isPlaced
    ? [...byPath.keys()]
    : await unsharedPaths([...byPath.keys()], ask, isPart).catch((error: unknown) => {
        throw new EngineError(asStepError(error).message, { cause: error });
      });
  if (unshared.length === 0) return false;
  const usesOf = (path: string): MountedPath[] =>
    byPath.get(path) ??
    elsewhere.mounted
      .filter(mounted => isWithin(path, partOf(mounted)))
      .map(mounted => ({ ...mounted, path }));
  const refused = unshared.map(usesOf).filter(uses => !uses.every(({ canBeSent }) => canBeSent));
  if (refused.length === 0) {
    for (const agent of options.agents ?? plan.agents) readLogins(agent.name, loginFiles(agent));
    return true;
  }
  // Not a `UsageError`: the command line and the spec are valid, only not in this environment.
  throw new FlowError(refusal(refused, elsewhere.reason), 2);
}

export const askEngine =
  ({
    timeout,
    ...options
  }: {
    docker: Docker;
    engine: Pick<EngineInfo, 'isRemapped'>;
    /** See `ProbeOptions`. */
    images?: readonly string[];
    /** Milliseconds for a build of the base image; null: it is not built. */
    timeout: number | null;
  }): AskEngine =>
  questions => {
    const { docker, engine, images = [] } = options;
    const source = join(packageFolder, 'docker');
    const makeImage = async () => {
      if (timeout === null) throw new Error('the engine has no base image yet');
      await ensureBaseImage('base', timeout, { docker, source });
    };
    return probeFiles(questions, { docker, images, makeImage, isRemapped: engine.isRemapped });
  };

/** Add the mount points below a path: the engine may have another mount there, or none. */
function withMountsBelow(): (mounted: MountedPath) => MountedPath[] {
  const points = mountPoints();
  return mounted => {
    const below = points.filter(point => point !== mounted.path && isWithin(point, partOf(mounted)));
    return [mounted, ...below.map(path => ({ ...mounted, path }))];
  };
}

/** Return the part of a path that is read: only the git directory of a repository that is cloned. */
const partOf = ({ path, isClone }: MountedPath) => (isClone ? join(path, '.git') : path);

/** Maximum images of the plan to try if the base image is missing. */
const maxImages = 5;

/** Maximum paths in the message. */
const maxNamed = 10;

function refusal(unshared: readonly (readonly MountedPath[])[], reason: string): string {
  const lines = unshared.slice(0, maxNamed).map(uses => {
    const { field, path, isState } = uses[0]!;
    const more = uses.length > 1 ? ` (and ${uses.length - 1} more)` : '';
    const what = isState ? 'it needs the state directory, and ' : '';
    return `${field}${more}: ${what}at ${path} the Docker engine has other files, or none`;
  });
  const rest = unshared.length > maxNamed ? [`and ${unshared.length - maxNamed} more paths`] : [];
  const hints = [
    ...new Set(unshared.flat().map(({ hint }) => hint)),
    'give both the same files at the same paths',
  ];
  return [
    ...lines,
    ...rest,
    `A mount means files of the engine's machine, and ${reason}. ${capitalized(hints.join('; or '))}`,
  ].join('\n');
}
