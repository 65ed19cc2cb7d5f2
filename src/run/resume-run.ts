import { isDeepStrictEqual } from 'node:util';
import { type Connection, reconnect, replaceHosts } from '../connection/connect.ts';
import { hasContainers } from '../connection/run-connection.ts';
import { planOn, runHostOf } from '../connection/run-hosts.ts';
import { FlowError } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import { checkFiles } from '../preflight/check-files.ts';
import { checkLiveRuns } from '../preflight/check-mounts.ts';
import { type Vault, vaultOf } from '../secrets/vault.ts';
import { type FlowState, stateAfter } from '../state/flow-state.ts';
import type { Lock } from '../store/lock.ts';
import { directoriesOfRun, removePartialFiles } from '../store/partial-files.ts';
import { readJournal, truncateTornLine } from '../store/read-journal.ts';
import { type RunFile, type RunHost, readRunFile, writeRunFile } from '../store/run-file.ts';
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
      connectAgain(file, { folder, events, vault }, options),
      import('./supervise-run.ts'),
    ]);
    const hosts = hostsNow(file, connection);
    // Skip the checks when only stopping; continuing could collide with a run that was started in the same workspace
    // meanwhile.
    if (options.stopOnly === undefined)
      await recheckFiles({ ...file, hosts }, { folder, state }, connection, options);
    // The next supervisor tries the address first at which each engine was found.
    if (!isDeepStrictEqual(hosts, file.hosts)) writeRunFile(folder, { ...file, hosts });
    removePartialFiles(directoriesOfRun(folder.path));
    truncateTornLine(folder.journal);
    for (const message of damage) void connection.early.append({ type: 'warning', agent: null, message });
    const run = { ...file, hosts, vault, folder, lock, isResumed: true, past: events };
    return await superviseRun(run, connection, options);
  } catch (error) {
    lock?.[Symbol.dispose]();
    throw error instanceof Error && 'syscall' in error ? unusable(folder, error) : error;
  }
}

function connectAgain(
  { hosts, plan }: RunFile,
  { folder: { runId }, events, vault }: { folder: RunFolder; events: readonly RunEvent[]; vault: Vault },
  { clock, isNewEngine, stopOnly, context = plan.target?.context ?? null }: RunOptions,
): Promise<Connection> {
  const lastCall = events.findLast(event => event.type === 'docker.call');
  const shared = { clock, redactor: vault.redactor, context, callsBefore: lastCall?.call ?? 0 };
  const first = plan.target?.isSwarm ? hosts.filter(({ names }) => names.includes(null)) : hosts;
  return isNewEngine
    ? replaceHosts(first, { ...shared, runId, isStop: stopOnly !== undefined })
    : reconnect(first, { ...shared, runId });
}

/** Return the hosts of the run, with the addresses at which they were found. */
function hostsNow({ hosts }: RunFile, connection: Connection): readonly RunHost[] {
  const now = connection.hosts.map(host => {
    const before = hosts.filter(({ names }) => names.some(name => host.names.includes(name)));
    const same = before.find(({ engine }) => engine.id === host.engine.id) ?? before[0];
    const { hasOtherFiles = false } = same ?? {};
    return runHostOf(host, hasOtherFiles);
  });
  const names = now.flatMap(host => host.names);
  // The nodes of a Docker Swarm are connected to when an agent on them needs it.
  return [...now, ...hosts.filter(host => !host.names.some(name => names.includes(name)))];
}

async function recheckFiles(
  { plan, adopted, hosts }: RunFile,
  { folder, state }: { folder: RunFolder; state: FlowState },
  connection: Connection,
  { stateDir }: RunOptions,
): Promise<void> {
  await checkLiveRuns(plan, stateDir, folder, hasContainers);
  // The paths of an adopted agent are those of its container, on the engine's own machine.
  const agents = plan.agents.filter(
    ({ name }) => !state.agents[name]?.status && adopted?.[name] === undefined,
  );
  const { runId } = folder;
  for (const [index, host] of connection.hosts.entries()) {
    const { docker, engine, address } = host;
    const { hasOtherFiles: isSent = false } = hosts[index]!;
    const here = planOn({ ...plan, agents }, host).agents;
    const isPlaced = plan.target?.isSwarm ?? false;
    const options = { docker, engine, address, stateDir, runId, agents: here, isSent, isPlaced };
    if (!(await checkFiles(plan, options))) continue;
    throw new FlowError(
      `${folder.path} is not among the files of the engine any more, where run ${runId} has its clones. Continue it where both have the same files`,
      2,
    );
  }
}

const unusable = ({ path, runId }: RunFolder, error: Error) =>
  new FlowError(
    `${path} cannot be read or written: ${error.message}. Nothing was changed. Fix that, then run agent-flow resume ${runId}`,
    3,
    { cause: error },
  );
