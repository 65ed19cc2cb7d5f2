import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '../connection/connect.ts';
import { hasContainers } from '../connection/run-connection.ts';
import { type Host, planOn, runHostOf } from '../connection/run-hosts.ts';
import { FlowError, RunStateError } from '../errors.ts';
import { checkFiles } from '../preflight/check-files.ts';
import { checkLiveRuns } from '../preflight/check-mounts.ts';
import { checkPartialClones } from '../preflight/check-partial-clones.ts';
import { checkPodman } from '../preflight/check-podman.ts';
import { checkSwarm } from '../preflight/check-swarm.ts';
import { checkCopies, checkWorkspaces } from '../preflight/check-workspaces.ts';
import { checkPermissions } from '../preflight/host-permissions.ts';
import { checkLimits } from '../preflight/limits.ts';
import { checkSources } from '../preflight/mount-problem.ts';
import { trustWarnings } from '../preflight/trust-warnings.ts';
import type { Vault } from '../secrets/vault.ts';
import type { FlowPlan } from '../spec/plan.ts';
import type { Lock } from '../store/lock.ts';
import type { RunHost } from '../store/run-file.ts';
import { writeRunFile } from '../store/run-file.ts';
import { newRunId, type RunFolder, type StateDir } from '../store/state-directory.ts';
import { inPlace, removeFile } from '../store/state-files.ts';
import { syncDirectory } from '../store/write-file-atomic.ts';
import { withoutReused } from './reuse.ts';
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
  const { rerun } = options;
  const started = withoutReused(plan, rerun);
  const swarmWarnings = plan.target?.isSwarm ? await checkSwarm(started, connection.hosts[0]!) : [];
  if (!plan.target?.isSwarm)
    for (const host of connection.hosts) checkByEngine(planOn(started, host), host, options);
  const { commits, hosts, ...found } = await checkWorkFiles(started, connection, options);
  const warnings = [...swarmWarnings, ...found.warnings];
  const folder = newFolder(options.stateDir);
  let lock: Lock | null = null;
  try {
    lock = lockRun(folder);
    const secret = randomBytes(16).toString('hex');
    const file = { plan, secret, hosts, commits, rerun };
    writeRunFile(folder, file);
    // After the record is written: of two runs that begin at once, at least one sees the other.
    await checkLiveRuns(started, options.stateDir, folder, hasContainers);
    const run = { ...file, vault, folder, lock, warnings };
    return await superviseRun({ ...run, isResumed: false, past: [] }, connection, options);
  } catch (error) {
    // No container exists yet, so the record is not needed.
    lock?.[Symbol.dispose]();
    removeFile(folder.path);
    throw error instanceof FlowError ? error : cannotPersist(folder, error as Error);
  }
}

/** Check the plan by what the engine has reported. */
function checkByEngine(plan: FlowPlan, { engine }: Host, { stateDir }: RunOptions): void {
  checkLimits(plan, engine);
  checkPodman(plan, stateDir, engine);
  checkSources(plan, stateDir, engine);
}

/** Check workspaces and mounted files, and return the commits that clones start from. */
async function checkWorkFiles(plan: FlowPlan, { hosts }: Connection, { stateDir }: RunOptions) {
  const { commits, warnings } = checkWorkspaces(plan);
  const copyWarnings = await checkCopies(plan);
  const checked: RunHost[] = [];
  for (const host of hosts) {
    const { agents } = planOn(plan, host);
    const { docker, engine, address } = host;
    const isPlaced = plan.target?.isSwarm ?? false;
    const options = { docker, engine, address, stateDir, agents, isPlaced };
    const hasOtherFiles = (await checkFiles(plan, options)) || isPlaced;
    // All that is sent is checked on the engine, and belongs to the agent there.
    if (!hasOtherFiles) {
      checkPermissions({ agents }, engine);
      await checkPartialClones({ ...plan, agents }, commits, options);
    }
    checked.push(runHostOf(host, hasOtherFiles));
  }
  return { commits, warnings: [...trustWarnings(plan), ...warnings, ...copyWarnings], hosts: checked };
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
