import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Connection, runEngineOf } from '../connection/engine-connection.ts';
import { hasContainers } from '../connection/run-connection.ts';
import { FlowError, RunStateError } from '../errors.ts';
import { checkFiles } from '../preflight/check-files.ts';
import { checkLiveRuns } from '../preflight/check-mounts.ts';
import { checkPartialClones } from '../preflight/check-partial-clones.ts';
import { checkPodman } from '../preflight/check-podman.ts';
import { checkCopies, checkWorkspaces } from '../preflight/check-workspaces.ts';
import { checkLimits } from '../preflight/limits.ts';
import { checkSources } from '../preflight/mount-problem.ts';
import type { Vault } from '../secrets/vault.ts';
import type { FlowPlan } from '../spec/plan.ts';
import type { Lock } from '../store/lock.ts';
import { writeRunFile } from '../store/run-file.ts';
import { newRunId, type RunFolder, type StateDir } from '../store/state-directory.ts';
import { inPlace, removeFile } from '../store/state-files.ts';
import { syncDirectory } from '../store/write-file-atomic.ts';
import type { Run, RunOptions } from './run.ts';
import { lockRun } from './run-lock.ts';
import { superviseRun } from './supervise-run.ts';

/** Begin a flow on an engine. Throws a `FlowError` if it cannot; then nothing was started and nothing is left. */
export async function beginRun(
  plan: FlowPlan,
  vault: Vault,
  connection: Connection,
  options: RunOptions,
): Promise<Run> {
  checkByEngine(plan, connection, options);
  const { commits, warnings } = await checkWorkFiles(plan, connection, options);
  const folder = newFolder(options.stateDir);
  let lock: Lock | null = null;
  try {
    lock = lockRun(folder);
    const secret = randomBytes(16).toString('hex');
    const engine = runEngineOf(connection);
    writeRunFile(folder, { plan, secret, engine, commits });
    // After the record is written: of two runs that begin at once, at least one sees the other.
    await checkLiveRuns(plan, options.stateDir, folder, hasContainers);
    const run = { plan, secret, engine, vault, commits, folder, lock, warnings };
    return await superviseRun({ ...run, isResumed: false, past: [] }, connection, options);
  } catch (error) {
    // No container exists yet, so the record is not needed.
    lock?.[Symbol.dispose]();
    removeFile(folder.path);
    throw error instanceof FlowError ? error : cannotPersist(folder, error as Error);
  }
}

/** Check the plan by what the engine has reported. */
function checkByEngine(plan: FlowPlan, { engine }: Connection, { stateDir }: RunOptions): void {
  checkLimits(plan, engine);
  checkPodman(plan, stateDir, engine);
  checkSources(plan, stateDir, engine);
}

/** Check workspaces and mounted files, and return the commits that clones start from. */
async function checkWorkFiles(
  plan: FlowPlan,
  { docker, engine, address }: Connection,
  { stateDir }: RunOptions,
) {
  const { commits, warnings } = checkWorkspaces(plan);
  const copyWarnings = await checkCopies(plan);
  const options = { docker, engine, address, stateDir };
  await checkFiles(plan, options);
  await checkPartialClones(plan, commits, options);
  return { commits, warnings: [...warnings, ...copyWarnings] };
}

function newFolder(stateDir: StateDir): RunFolder {
  while (true) {
    const folder = stateDir.run(newRunId());
    try {
      inPlace(folder.path, path => mkdirSync(path, { mode: 0o700 }));
      syncDirectory(join(stateDir.path, 'runs'));
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotPersist(folder, error as Error);
    }
  }
}

const cannotPersist = ({ path }: RunFolder, error: Error) =>
  new RunStateError(`the run cannot be recorded in ${path}: ${error.message}`, { cause: error });
