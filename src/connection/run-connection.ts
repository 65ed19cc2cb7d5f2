import type { Docker } from '../docker/cli.ts';
import { containers } from '../docker/containers.ts';
import { labelFilter } from '../docker/labels.ts';
import { FlowError } from '../errors.ts';
import { readRunFile } from '../store/run-file.ts';
import type { RunFolder, StateDir } from '../store/state-directory.ts';
import { statFile } from '../store/state-files.ts';
import { connectTo, type EngineConnection, type RunOnEngine, reachCurrent } from './engine-connection.ts';

/**
 * Connect to the engine of a run with the first call, and return the same connection from then on: for commands that act
 * on a run of another process. Rejects with an `EngineError` if it is not found; then the next call tries again.
 */
export function connectionOf(folder: RunFolder): () => Promise<EngineConnection> {
  let known: Promise<EngineConnection> | null = null;
  return () => {
    known ??= connectToRun(folder).catch(error => {
      known = null;
      throw error;
    });
    return known;
  };
}

/** Return a docker client for the engine of a run. */
export const dockerOf =
  (connection: () => Promise<EngineConnection>): Docker =>
  async (args, options) =>
    (await connection()).docker(args, options);

/** Connect to the engine of a run; to the one that docker reaches if the record of the run cannot be read. */
export function connectToRun(folder: RunFolder, timeout?: number): Promise<EngineConnection> {
  const run = engineOf(folder);
  return run === null ? reachCurrent() : connectTo(run, timeout);
}

/** Return whether a run has running containers; true if its engine cannot be reached. */
export async function hasContainers(folder: RunFolder): Promise<boolean> {
  try {
    const { docker } = await connectToRun(folder);
    return (
      (await containers(docker).list([labelFilter.managed, labelFilter.run(folder.runId), 'status=running']))
        .length > 0
    );
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
    .flatMap(folder => engineOf(folder) ?? [])
    .filter(({ engine }) => engine.id !== current?.engine.id);
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
  await Promise.all([...Map.groupBy(elsewhere, ({ engine }) => engine.id).values()].map(tryEngine));
  if (found.length === 0 && reached.status === 'rejected') throw reached.reason;
  return { found, current, missing };
}

function mayHaveContainers(folder: RunFolder): boolean {
  if (statFile(folder.result) === undefined) return true;
  try {
    return readRunFile(folder).plan.agents.some(({ keep }) => keep !== 'never');
  } catch {
    return false;
  }
}

function engineOf(folder: RunFolder): RunOnEngine | null {
  try {
    return { runId: folder.runId, engine: readRunFile(folder).engine };
  } catch (error) {
    if (error instanceof FlowError) return null;
    throw error;
  }
}
