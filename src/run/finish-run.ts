import { setImmediate as nextTurn } from 'node:timers/promises';
import { isOnRunsOwn } from '../agent-container/names.ts';
import type { FlowError } from '../errors.ts';
import { saveUnsavedWork } from '../recovery/save-unsaved-work.ts';
import { type FlowState, reduce } from '../state/flow-state.ts';
import { exitCodeOf, resultOf, statusOf } from '../state/result.ts';
import { writeFileAtomic } from '../store/write-file-atomic.ts';
import type { DrivenHost } from './fleet.ts';
import { unwritableEnd } from './halt-errors.ts';
import { notifyEnd } from './notify.ts';
import { type OpenRun, warn } from './open-run.ts';
import type { RunEnd } from './run.ts';
import type { DrivenRun } from './start-actors.ts';
import { sweep } from './sweep.ts';

/** Time at the end of the run for the last output of its agents. */
const lastOutputMs = 2_000;

/** Wait for the machines, save and remove what they left, and write the result. */
export async function finishRun(open: OpenRun, driven: DrivenRun): Promise<RunEnd> {
  const { tracker, clock, ending } = open;
  const end = await machinesEnd(open, driven);
  if (end.type === 'halted') return await halt(open, driven, end.error);
  // Only one agent was to be stopped, and the run has others.
  if (end.type === 'done' && hasUnfinished(tracker.state())) return await endWithoutResult(open, driven);

  tracker.deadline.end();
  const left = await removeLeft(open, driven);
  const isClean = left.length === 0;
  if (!isClean) warn(open, `could not confirm removal of ${left.join(', ')}. Run agent-flow cleanup`);
  await Promise.race([driven.following?.ended(), clock.sleep(lastOutputMs, ending.signal)]);
  await driven.closeWatchers();
  // A broken machine is a defect of ours. Its containers are removed all the same.
  if (end.type === 'broken') throw end.error;

  // Before the last event, so that a warning of it is in the result.
  await notifyEnd(open);
  // The result has this exit code, so it cannot be written during the sweep.
  const exitCode = isClean ? exitCodeOf(tracker.state()) : 3;
  await writeEnd(open, exitCode);
  return { exitCode, isClean, state: tracker.state() };
}

type MachinesEnd =
  | { readonly type: 'done' }
  | { readonly type: 'broken'; readonly error: unknown }
  | { readonly type: 'halted'; readonly error: FlowError | null };

function machinesEnd({ halted }: OpenRun, { driver }: DrivenRun): Promise<MachinesEnd> {
  return Promise.race<MachinesEnd>([
    halted.promise.then(error => ({ type: 'halted', error })),
    driver.done.then(
      () => ({ type: 'done' }),
      (error: unknown) => ({ type: 'broken', error }),
    ),
  ]);
}

/** Stop the machines at once, so that the run can be resumed from its journal (I3). */
async function halt(open: OpenRun, driven: DrivenRun, error: FlowError | null): Promise<RunEnd> {
  driven.driver.halt();
  const end = await endWithoutResult(open, driven);
  if (error !== null) throw error;
  return end;
}

/** This process stops here. Unfinished agents keep their containers, and the run can be resumed. */
async function endWithoutResult({ tracker }: OpenRun, { closeWatchers }: DrivenRun): Promise<RunEnd> {
  await closeWatchers();
  return { exitCode: 0, isClean: true, state: tracker.state() };
}

/** Save and remove what is left on the hosts of the run. Returns what may not have been removed, for messages. */
async function removeLeft(open: OpenRun, { fleet, loss }: DrivenRun): Promise<readonly string[]> {
  const unreachable = await fleet.connectAll();
  await loss.settle();
  const kept = keptContainers(open);
  const clean = fleet.hosts.map(async host => {
    await saveLeftWork(open, host);
    return sweepHost(open, host, kept);
  });
  const left = await Promise.all(clean);
  // After the containers: networks that hosts share, and the room of each agent.
  const isComplete = unreachable.length === 0 && !left.includes(null);
  const release = fleet.releaseAll({ kept, isComplete });
  const unreleased = await release.catch(() => ["this run's reservations"]);
  return [
    ...left.flatMap(found => found ?? []).map(id => id.slice(0, 12)),
    ...(left.includes(null) ? ["this run's containers"] : []),
    ...unreachable.map(name => `this run's containers on ${name}`),
    ...unreleased,
  ];
}

const hasUnfinished = ({ agents }: FlowState) => Object.values(agents).some(({ status }) => status === null);

async function saveLeftWork({ run, tracker, journal, ending }: OpenRun, { plan, context }: DrivenHost) {
  const { folder } = run;
  try {
    await saveUnsavedWork(context, {
      state: tracker.state,
      names: plan.agents.map(({ name }) => name),
      runId: folder.runId,
      signal: ending.signal,
    });
  } catch (error) {
    const message = `could not save or remove the clones in ${folder.path}: ${(error as Error).message}`;
    await journal.append({ type: 'warning', agent: null, message });
  }
}

/** Return the ids of the containers that stay, wherever they are. */
function keptContainers({ run, tracker }: OpenRun): ReadonlySet<string> {
  const ids = run.plan.agents
    .filter(({ keep }) => keep !== 'never')
    .flatMap(({ name }) => tracker.attempts(name).flatMap(({ containerId }) => containerId ?? []));
  return new Set(ids);
}

/** Return the ids that could not be removed; null if Docker could not list them. */
async function sweepHost(
  { run, stateDir, clock }: OpenRun,
  { host, plan, context }: DrivenHost,
  kept: ReadonlySet<string>,
): Promise<readonly string[] | null> {
  const { folder, isResumed } = run;
  const { docker, ledger, hasOtherFiles } = host;
  const wasInterrupted = await context.networks.close();
  const hasNetworks = plan.agents.some(agent => isOnRunsOwn(agent, folder.runId));
  // Docker has confirmed the removal of each container, so that a list would prove nothing more. An earlier process may
  // have left others.
  if (!isResumed && !hasNetworks && !hasOtherFiles && ledger.isSettled(kept)) return [];
  return await sweep(docker, {
    instance: stateDir.instance,
    runId: folder.runId,
    kept,
    hasNetworks,
    hasVolumes: hasOtherFiles,
    // Agents settle their own containers in `removing`; only the network and proxy of the run can still be in doubt.
    inDoubt: hasOtherFiles || (hasNetworks && (wasInterrupted || isResumed)),
    sleep: ms => clock.sleep(ms, new AbortController().signal),
  }).catch(() => null);
}

/** Write the result before the journal's last event: a run that has ended has its result. */
async function writeEnd({ run: { folder }, journal, tracker, clock }: OpenRun, exitCode: number) {
  const event = { type: 'run.ended', status: statusOf(tracker.state()), exitCode } as const;
  try {
    const state = reduce(tracker.state(), { v: 1, seq: 0, at: clock.now(), ...event });
    // The result of thousands of agents takes a while, so timers and signals are handled in between.
    await nextTurn();
    const result = resultOf(state);
    await nextTurn();
    writeFileAtomic(folder.result, `${JSON.stringify(result, null, 2)}\n`);
    await journal.append(event);
  } catch (error) {
    throw unwritableEnd(folder, error as Error);
  }
}
