import { hostname } from 'node:os';
import { type Clock, systemClock } from '../clock.ts';
import type { Connection } from '../connection/engine-connection.ts';
import { type ContainerLedger, containerLedger } from '../docker/container-ledger.ts';
import type { FlowError } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import { version } from '../package.ts';
import { engineWarnings } from '../preflight/engine-warnings.ts';
import { maxConcurrency } from '../preflight/limits.ts';
import type { FlowState } from '../state/flow-state.ts';
import { type Journal, openJournal } from '../store/journal.ts';
import type { StateDir } from '../store/state-directory.ts';
import { cannotContinue, unwritable } from './halt-errors.ts';
import type { LockedRun, RunOptions } from './run.ts';
import { type RunTracker, trackRun } from './track-run.ts';

/** A run whose journal is open and has a `run.started` of this process: each process that drives the run appends one. */
export interface OpenRun {
  /** Without its past, which a long run does not need any more. */
  readonly run: Omit<LockedRun, 'past'>;
  readonly connection: Connection;
  /** The containers of this process: those of an earlier one are not in it. */
  readonly ledger: ContainerLedger;
  readonly stateDir: StateDir;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly tracker: RunTracker;
  readonly concurrency: number;
  /** Resolves when this process must stop acting: with the reason, or with null when it detaches. */
  readonly halted: PromiseWithResolvers<FlowError | null>;
  /** Aborted at the end, for everything that all agents share. */
  readonly ending: AbortController;
}

export const stopReason = 'asked to stop';

/** Open the journal, replay it, and append that this process drives the run from now on. */
export async function openRun(
  { past, ...run }: LockedRun,
  connection: Connection,
  { stateDir, clock = systemClock, stopOnly, onPast, onEvent }: RunOptions,
): Promise<OpenRun> {
  const { plan, vault, folder } = run;
  const tracker = trackRun(plan.agents.map(({ name }) => name));
  const journal = openJournal(folder.journal, clock.now, nextSeq(past), vault.redactor.deep);
  for (const event of past) tracker.apply(event);
  onPast?.(past);

  const halted = Promise.withResolvers<FlowError | null>();
  journal.subscribe(event => {
    tracker.apply(event);
    onEvent?.(event);
    const missing = missingForAll(event, tracker);
    if (missing !== null) halted.resolve(cannotContinue(folder, missing));
  });
  void journal.broken.then(error => halted.resolve(unwritable(folder, error)));

  const concurrency = plan.concurrency ?? maxConcurrency(plan, connection.engine);
  await appendProcessStart(journal, run, concurrency);
  connection.early.attach(journal);
  appendWarnings(journal, run, connection, tracker.state());
  await appendStop(journal, stopOnly);
  const ending = new AbortController();
  const ledger = containerLedger(connection.docker);
  return {
    ...{ run, stateDir, clock, journal, tracker, concurrency, halted, ending, ledger },
    connection: { ...connection, docker: ledger.docker },
  };
}

async function appendProcessStart(journal: Journal, { plan, folder }: OpenRun['run'], concurrency: number) {
  const agents = plan.agents.map(({ name, dependsOn, retries }) => ({
    name,
    dependsOn: [...dependsOn],
    retries,
  }));
  try {
    await journal.append({
      type: 'run.started',
      runId: folder.runId,
      name: plan.name,
      version,
      pid: process.pid,
      host: hostname(),
      concurrency,
      agents,
    });
  } catch (error) {
    journal[Symbol.dispose]();
    throw error;
  }
}

/** A run that is resumed does not repeat its warnings. */
function appendWarnings(
  journal: Journal,
  { warnings = [] }: OpenRun['run'],
  { engine }: Connection,
  state: FlowState,
): void {
  const known = new Set(state.warnings.map(({ message }) => message));
  for (const message of [...warnings, ...engineWarnings(engine, process.env)])
    if (!known.has(message)) void journal.append({ type: 'warning', agent: null, message });
}

async function appendStop(journal: Journal, stopOnly: RunOptions['stopOnly']): Promise<void> {
  if (stopOnly === undefined) return;
  const { agent } = stopOnly;
  const reason = stopReason;
  await journal.append(
    agent === null ? { type: 'run.cancel', reason } : { type: 'agent.cancel', agent, reason },
  );
}

/**
 * Return the secret that is missing when an agent begins to wait for it and every other agent waits too. Only a new event
 * counts: the past may be out of date.
 */
function missingForAll(event: RunEvent, { active, state }: RunTracker): string | null {
  const isWait = event.type === 'agent.state' && event.state === 'waitingForSecrets';
  if (!isWait || active.count > 0) return null;
  const waiting = Object.values(state().agents).find(
    agent => agent.status === null && agent.state === 'waitingForSecrets',
  );
  return waiting?.cause ?? null;
}

const nextSeq = (past: readonly RunEvent[]) => (past.at(-1)?.seq ?? 0) + 1;
