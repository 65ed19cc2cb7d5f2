import type { Docker } from '../docker/cli.ts';
import { containers } from '../docker/containers.ts';
import { labelFilter } from '../docker/labels.ts';
import { FlowError } from '../errors.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { ofAgent } from '../state/flow-state.ts';
import type { RunResult } from '../state/result-schema.ts';
import { type RunFile, type RunHost, readRunFile } from '../store/run-file.ts';
import { runState } from '../store/run-state.ts';
import type { RunFolder, StateDir } from '../store/state-directory.ts';
import { readFile, statFile } from '../store/state-files.ts';
import { connectTo, type EngineConnection, type RunOnEngine, reachCurrent } from './engine-connection.ts';
import { engineKey, hostOf, titleOf } from './run-hosts.ts';

/**
 * Connect to the engine of an agent with the first call, and return the same connection from then on: for commands that act
 * on a run of another process. Rejects with an `EngineError` if it is not found; then the next call tries again.
 */
export function connectionOf(folder: RunFolder, agent: string): () => Promise<EngineConnection> {
  let known: Promise<EngineConnection> | null = null;
  return () => {
    known ??= connectToAgent(folder, agent).catch(error => {
      known = null;
      throw error;
    });
    return known;
  };
}

/** Return a docker client for such a connection. */
export const dockerOf =
  (connection: () => Promise<EngineConnection>): Docker =>
  async (args, options) =>
    (await connection()).docker(args, options);

/** Connect to the engine of an agent; to the one that docker reaches if the record of the run cannot be read. */
export async function connectToAgent(folder: RunFolder, agent: string): Promise<EngineConnection> {
  const file = recordOf(folder);
  const plan = file?.plan.agents.find(({ name }) => name === agent);
  if (file === null || plan === undefined) return reachCurrent();
  return connectTo(engineOf(folder, file, placedOn(folder, file, plan)));
}

/** Connect to every engine of a run; to the one that docker reaches if the record of the run cannot be read. */
export const connectToRun = (folder: RunFolder): Promise<PromiseSettledResult<EngineConnection>[]> =>
  Promise.allSettled(enginesIn(folder)?.map(engine => connectTo(engine)) ?? [reachCurrent()]);

/** Connect to the engines of a run that can be reached, apart from that of an agent. */
export async function connectToOthers(folder: RunFolder, agent: string): Promise<EngineConnection[]> {
  const file = recordOf(folder);
  const plan = file?.plan.agents.find(({ name }) => name === agent);
  if (file === null || plan === undefined) return [];
  const own = placedOn(folder, file, plan);
  const others = file.hosts.filter(host => host !== own).map(host => connectTo(engineOf(folder, file, host)));
  return (await Promise.allSettled(others)).flatMap(result =>
    result.status === 'fulfilled' ? [result.value] : [],
  );
}

/** Return the host of an agent: that of its plan, or the one that a Docker Swarm has placed it on. */
function placedOn(folder: RunFolder, { hosts, plan }: RunFile, agent: AgentPlan): RunHost {
  const placed = plan.target?.isSwarm ? ofAgent(runState(folder), agent.name)?.host : null;
  return hosts.find(({ names }) => placed && names.includes(placed)) ?? hostOf(hosts, agent)!;
}

/** Return whether a run has running containers; true if one of its engines cannot be reached. */
export async function hasContainers(folder: RunFolder): Promise<boolean> {
  const filters = [labelFilter.managed, labelFilter.run(folder.runId), 'status=running'];
  try {
    const engines = await connectToRun(folder);
    const found = engines.map(async result => {
      if (result.status === 'rejected') throw result.reason;
      return containers(result.value.docker).list(filters);
    });
    return (await Promise.all(found)).some(list => list.length > 0);
  } catch {
    return true;
  }
}

export interface EnginesOfRuns {
  readonly found: readonly EngineConnection[];
  /** The engine that docker reaches now; null if it reaches none. */
  readonly current: EngineConnection | null;
  readonly missing: readonly MissingEngine[];
}

export interface MissingEngine {
  readonly runs: readonly string[];
  /** Whole sentences, for messages. */
  readonly why: string;
}

/**
 * Connect to every engine that may have containers of this state directory: those of runs that have not ended or keep
 * containers, and the one that docker reaches now. Throws an `EngineError` if none of them can be reached.
 */
export async function enginesOf(stateDir: StateDir, timeout?: number): Promise<EnginesOfRuns> {
  const [reached] = await Promise.allSettled([reachCurrent(undefined, { timeout })]);
  const current = reached.status === 'fulfilled' ? reached.value : null;
  const elsewhere = stateDir
    .recorded()
    .filter(mayHaveContainers)
    .flatMap(folder => enginesIn(folder) ?? [])
    .filter(({ engine }) => current === null || engineKey(engine) !== engineKey(current.engine));
  const found = current === null ? [] : [current];
  const missing: MissingEngine[] =
    reached.status === 'fulfilled' ? [] : [{ runs: [], why: (reached.reason as Error).message }];
  const tryEngine = async (runs: readonly RunOnEngine[]) => {
    try {
      found.push(await connectTo(runs[0]!, timeout));
    } catch (error) {
      missing.push({ runs: runs.map(({ runId }) => runId), why: (error as Error).message });
    }
  };
  await Promise.all([...Map.groupBy(elsewhere, ({ engine }) => engineKey(engine)).values()].map(tryEngine));
  if (found.length === 0 && reached.status === 'rejected') throw reached.reason;
  return { found, current, missing };
}

function mayHaveContainers(folder: RunFolder): boolean {
  if (statFile(folder.result) === undefined) return true;
  try {
    // With an exit code of 3, something may not have been removed.
    const { exitCode, agents } = JSON.parse(readFile(folder.result).toString()) as RunResult;
    if (exitCode === 3 || Object.values(agents).some(({ workspace }) => workspace?.volume)) return true;
    return readRunFile(folder).plan.agents.some(({ keep }) => keep !== 'never');
  } catch {
    return false;
  }
}

/** Return the engines of a run; null if its record cannot be read. */
function enginesIn(folder: RunFolder): RunOnEngine[] | null {
  const file = recordOf(folder);
  return file?.hosts.map(host => engineOf(folder, file, host)) ?? null;
}

const engineOf = ({ runId }: RunFolder, { plan }: RunFile, host: RunHost): RunOnEngine => ({
  runId,
  engine: host.engine,
  context: titleOf(host) ?? plan.target?.context ?? null,
});

function recordOf(folder: RunFolder): RunFile | null {
  try {
    return readRunFile(folder);
  } catch (error) {
    if (error instanceof FlowError) return null;
    throw error;
  }
}
