import { isDeepStrictEqual } from 'node:util';
import { type Connection, connect, runEngineOf } from '../connection/engine-connection.ts';
import { hasContainers } from '../connection/run-connection.ts';
import { FlowError } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import { checkFiles } from '../preflight/check-files.ts';
import { checkLiveRuns } from '../preflight/check-mounts.ts';
import { type Vault, vaultOf } from '../secrets/vault.ts';
import { type FlowState, stateAfter } from '../state/flow-state.ts';
import type { Lock } from '../store/lock.ts';
import { directoriesOfRun, removePartialFiles } from '../store/partial-files.ts';
import { readJournal, truncateTornLine } from '../store/read-journal.ts';
import { type RunEngine, type RunFile, readRunFile, writeRunFile } from '../store/run-file.ts';
import type { RunFolder } from '../store/state-directory.ts';
import type { Run, RunOptions } from './run.ts';
import { lockRun, RunTakenError } from './run-lock.ts';

/**
 * Resume a run whose supervisor is gone: the journal and Docker have the state of its agents. Throws a `FlowError` if
 * another supervisor has the run, or if it cannot be read or written.
 */
export async function resumeRun(folder: RunFolder, options: RunOptions): Promise<Run> {
  let lock: Lock | null = null;
  try {
    lock = lockRun(folder, options.force);
    const file = readRunFile(folder);
    const { events, damage } = readJournal(folder.journal);
    const state = stateAfter(events);
    // The supervisor that had the lock a moment ago may have ended the run.
    if (state.ended) throw new RunTakenError(`${folder.runId} is over: it has ${state.ended.status}`);
    const vault = vaultOf(file.plan, options.env ?? process.env);
    // Load the machines and actors while docker responds.
    const [connection, { superviseRun }] = await Promise.all([
      reconnect(file, { folder, events, vault }, options),
      import('./supervise-run.ts'),
    ]);
    const engine = rememberEngine(folder, file, connection);
    // Skip the checks when only stopping; continuing could collide with a run that was started in the same workspace
    // meanwhile.
    if (options.stopOnly === undefined) await recheckHost(file, { folder, state }, connection, options);
    removePartialFiles(directoriesOfRun(folder.path));
    truncateTornLine(folder.journal);
    for (const message of damage) void connection.early.append({ type: 'warning', agent: null, message });
    const run = { ...file, engine, vault, folder, lock, isResumed: true, past: events };
    return await superviseRun(run, connection, options);
  } catch (error) {
    lock?.[Symbol.dispose]();
    throw error instanceof Error && 'syscall' in error ? unusable(folder, error) : error;
  }
}

function reconnect(
  { engine }: RunFile,
  { folder: { runId }, events, vault }: { folder: RunFolder; events: readonly RunEvent[]; vault: Vault },
  { clock, isNewEngine }: RunOptions,
): Promise<Connection> {
  const lastCall = events.findLast(event => event.type === 'docker.call');
  return connect({
    clock,
    redactor: vault.redactor,
    callsBefore: lastCall?.call ?? 0,
    run: isNewEngine ? null : { runId, engine },
  });
}

/** Record the address at which the engine was found: the next supervisor tries it first. */
function rememberEngine(folder: RunFolder, file: RunFile, connection: Connection): RunEngine {
  const engine = runEngineOf(connection);
  if (!isDeepStrictEqual(engine, file.engine)) writeRunFile(folder, { ...file, engine });
  return engine;
}

async function recheckHost(
  { plan, adopted }: RunFile,
  { folder, state }: { folder: RunFolder; state: FlowState },
  { docker, engine, address }: Connection,
  { stateDir }: RunOptions,
): Promise<void> {
  await checkLiveRuns(plan, stateDir, folder, hasContainers);
  // The paths of an adopted agent are those of its container, on the engine's own machine.
  const agents = plan.agents.filter(
    ({ name }) => !state.agents[name]?.status && adopted?.[name] === undefined,
  );
  const { runId } = folder;
  await checkFiles(plan, { docker, engine, address, stateDir, runId, agents });
}

const unusable = ({ path, runId }: RunFolder, error: Error) =>
  new FlowError(
    `${path} cannot be read or written: ${error.message}. Nothing was changed. Fix that, then run agent-flow resume ${runId}`,
    3,
    { cause: error },
  );
