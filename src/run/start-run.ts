import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Connection, connect, runEngineOf } from '../connection/engine-connection.ts';
import { hasContainers } from '../connection/run-connection.ts';
import { readAhead } from '../docker/read-ahead.ts';
import { FlowError, RunStateError } from '../errors.ts';
import { checkFiles } from '../preflight/check-files.ts';
import { checkLogins } from '../preflight/check-logins.ts';
import { checkLiveRuns, checkPlaces } from '../preflight/check-mounts.ts';
import { checkPartialClones } from '../preflight/check-partial-clones.ts';
import { checkPodman } from '../preflight/check-podman.ts';
import { checkCopies, checkWorkspaces } from '../preflight/check-workspaces.ts';
import { checkLimits } from '../preflight/limits.ts';
import { checkSources } from '../preflight/mount-problem.ts';
import { checkSecrets, type Vault, vaultOf } from '../secrets/vault.ts';
import type { FlowPlan } from '../spec/plan.ts';
import type { Lock } from '../store/lock.ts';
import { writeRunFile } from '../store/run-file.ts';
import { newRunId, type RunFolder, type StateDir } from '../store/state-directory.ts';
import { inPlace, removeFile } from '../store/state-files.ts';
import { syncDirectory } from '../store/write-file-atomic.ts';
import { firstReads } from './first-reads.ts';
import type { Run, RunOptions } from './run.ts';
import { lockRun } from './run-lock.ts';

/** Start a flow. Throws a `FlowError` if it cannot begin; then nothing was started and nothing is left. */
export async function startRun(plan: FlowPlan, options: RunOptions): Promise<Run> {
  const vault = checkOnHost(plan, options);
  // Load the machines and actors while docker responds.
  const [connection] = await Promise.all([
    connect({ clock: options.clock, redactor: vault.redactor }),
    import('./supervise-run.ts'),
  ]);
  checkByEngine(plan, connection, options);
  const over = new AbortController();
  // Overlap the reads of the first agent with the checks and the record of the run.
  const docker = readAhead(connection.docker, firstReads(plan), over.signal);
  try {
    const run = await startOn({ ...connection, docker }, plan, vault, options);
    void run.done.catch(() => {}).finally(() => over.abort());
    return run;
  } catch (error) {
    over.abort();
    throw error;
  }
}

async function startOn(
  connection: Connection,
  plan: FlowPlan,
  vault: Vault,
  options: RunOptions,
): Promise<Run> {
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
    const { superviseRun } = await import('./supervise-run.ts');
    return await superviseRun({ ...run, isResumed: false, past: [] }, connection, options);
  } catch (error) {
    // No container exists yet, so the record is not needed.
    lock?.[Symbol.dispose]();
    removeFile(folder.path);
    throw error instanceof FlowError ? error : cannotPersist(folder, error as Error);
  }
}

/** Check everything that needs no engine, and return the vault with the secrets. */
function checkOnHost(plan: FlowPlan, { stateDir, env = process.env }: RunOptions): Vault {
  checkPlaces(plan, stateDir);
  checkSecrets(plan, env);
  checkLogins(plan);
  return vaultOf(plan, env);
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
