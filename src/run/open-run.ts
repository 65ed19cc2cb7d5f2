import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { systemClock } from '../clock.ts';
import { type Connection, connect, runEngineOf } from '../connection/engine-connection.ts';
import { hasContainers } from '../connection/run-connection.ts';
import { EngineError, FlowError, UsageError } from '../errors.ts';
import { type CheckFilesOptions, checkFiles } from '../preflight/check-files.ts';
import { checkLogins } from '../preflight/check-logins.ts';
import { checkLiveRuns, checkPlaces } from '../preflight/check-mounts.ts';
import { checkPartialClones } from '../preflight/check-partial-clones.ts';
import { checkPodman } from '../preflight/check-podman.ts';
import { checkCopies, checkWorkspaces } from '../preflight/check-workspaces.ts';
import { checkLimits } from '../preflight/limits.ts';
import { checkSources } from '../preflight/mount-problem.ts';
import { checkSecrets, vaultOf } from '../secrets/vault.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { initialFlowState, reduce } from '../state/flow-state.ts';
import { readJournal, truncateTornLine } from '../store/journal.ts';
import { isLock, type Lock, takeLock } from '../store/lock.ts';
import { explainHolder } from '../store/lock-holder.ts';
import { directoriesOfRun, removePartialFiles } from '../store/partial-files.ts';
import { readRunFile, writeRunFile } from '../store/run-file.ts';
import { newRunId, type RunFolder, type StateDir } from '../store/state-directory.ts';
import { inPlace, removeFile } from '../store/state-files.ts';
import { syncDirectory } from '../store/write-file-atomic.ts';
import { type Run, type RunOptions, superviseRun } from './supervise-run.ts';

/** A run that somebody else drives, or has brought to its end. */
export class RunTakenError extends UsageError {}

/** Starts a flow. Throws a `FlowError` where it cannot begin; then nothing has been started and nothing is left. */
export async function startRun(plan: FlowPlan, options: RunOptions): Promise<Run> {
  const { env = process.env } = options;
  checkPlaces(plan, options.stateDir);
  checkSecrets(plan, env);
  checkLogins(plan);
  const vault = vaultOf(plan, env);
  const connection = await connect({ clock: options.clock, redactor: vault.redactor });
  checkLimits(plan, connection.engine);
  checkPodman(plan, options.stateDir, connection.engine);
  checkSources(plan, options.stateDir, connection.engine);
  const { commits, warnings: ofWorkspaces } = checkWorkspaces(plan);
  const warnings = [...ofWorkspaces, ...(await checkCopies(plan))];
  await checkFiles(plan, filesOptions(connection, options));
  await checkPartialClones(plan, commits, filesOptions(connection, options));
  const folder = newFolder(options.stateDir);
  let lock: Lock | null = null;
  try {
    lock = lockRun(folder);
    const secret = randomBytes(16).toString('hex');
    const engine = runEngineOf(connection);
    writeRunFile(folder, { plan, secret, engine, commits });
    // After the record is written: of two runs that begin at once, at least one sees the other.
    await checkLiveRuns(plan, options.stateDir, folder, hasContainers);
    const score = { plan, secret, engine, vault, commits, folder, lock, past: [], warnings };
    return await superviseRun(score, connection, options);
  } catch (error) {
    // Nothing has been done yet that it would have to remember.
    lock?.[Symbol.dispose]();
    removeFile(folder.path);
    throw error instanceof FlowError ? error : cannotPersist(folder, error as Error);
  }
}

/**
 * Takes up a run whose engine is gone: what its agents have come to is read from Docker and from the journal. Throws a
 * `FlowError` where somebody drives it, or where it cannot be read or written.
 */
export async function resumeRun(folder: RunFolder, options: RunOptions): Promise<Run> {
  let lock: Lock | null = null;
  try {
    lock = lockRun(folder, options.force);
    const file = readRunFile(folder);
    const { events, damage } = readJournal(folder.journal);
    // Whoever had it a moment ago may have brought it to its end.
    const past = events.reduce(reduce, initialFlowState);
    if (past.ended) throw new RunTakenError(`${folder.runId} is over: it has ${past.ended.status}`);
    const calls = events.flatMap(event => (event.type === 'docker.call' ? [event.call] : []));
    const vault = vaultOf(file.plan, options.env ?? process.env);
    const { runId } = folder;
    const connection = await connect({
      clock: options.clock,
      redactor: vault.redactor,
      callsBefore: Math.max(0, ...calls.slice(-1)),
      run: options.isNewEngine ? null : { runId, engine: file.engine },
    });
    // The next engine process looks where this one has found it.
    const engine = runEngineOf(connection);
    if (!isDeepStrictEqual(engine, file.engine)) writeRunFile(folder, { ...file, engine });
    // Since it was interrupted, another run may have begun where it works. To stop it is always right.
    if (options.stop === undefined) {
      await checkLiveRuns(file.plan, options.stateDir, folder, hasContainers);
      // The paths of one that was adopted are those that its container has: the engine's own.
      const left = file.plan.agents.filter(
        ({ name }) => !past.agents[name]?.status && file.adopted?.[name] === undefined,
      );
      await checkFiles(file.plan, { ...filesOptions(connection, options), runId, agents: left });
    }
    removePartialFiles(directoriesOfRun(folder.path));
    truncateTornLine(folder.journal);
    for (const message of damage) void connection.early.append({ type: 'warning', agent: null, message });
    return await superviseRun({ ...file, engine, vault, folder, lock, past: events }, connection, options);
  } catch (error) {
    lock?.[Symbol.dispose]();
    throw error instanceof Error && 'syscall' in error ? unwritable(folder, error) : error;
  }
}

const filesOptions = (
  { docker, engine, address }: Connection,
  { stateDir, clock = systemClock }: RunOptions,
): CheckFilesOptions => ({ docker, engine, address, stateDir, now: clock.now });

function lockRun(folder: RunFolder, force = false): Lock {
  const lock = takeLock(folder.lock, { force });
  if (isLock(lock)) return lock;
  throw new RunTakenError(`run ${folder.runId} is already being executed by ${explainHolder(lock)}`);
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

const unwritable = ({ path, runId }: RunFolder, error: Error) =>
  new FlowError(
    `${path} cannot be read or written: ${error.message}. Nothing was changed; mend that, then: agent-flow resume ${runId}`,
    3,
    { cause: error },
  );

const cannotPersist = ({ path }: RunFolder, error: Error) =>
  new EngineError(`the run cannot be written down in ${path}: ${error.message}`, { cause: error });
