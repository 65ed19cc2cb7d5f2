import { hostname } from 'node:os';
import { type Clock, systemClock } from '../clock.ts';
import type { Connection } from '../connection/connect.ts';
import { type Host, planOn, titleOf } from '../connection/run-hosts.ts';
import { type ContainerLedger, containerLedger } from '../docker/container-ledger.ts';
import type { FlowError } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import type { Notifier } from '../notify/notifier.ts';
import { secretUrls } from '../notify/receivers.ts';
import { version } from '../package.ts';
import { swarmConcurrency } from '../preflight/check-swarm.ts';
import { engineWarnings, sshWarning } from '../preflight/engine-warnings.ts';
import { maxConcurrency } from '../preflight/limits.ts';
import { itemNames, membersOf } from '../spec/members.ts';
import type { FlowState } from '../state/flow-state.ts';
import { type Journal, openJournal } from '../store/journal.ts';
import type { StateDir } from '../store/state-directory.ts';
import { spendingOf } from './budget-port.ts';
import { cannotContinue, unwritable } from './halt-errors.ts';
import { notifierOf } from './notify.ts';
import { withoutReused } from './reuse.ts';
import type { LockedRun, RunOptions } from './run.ts';
import { startedAgents } from './started-agents.ts';
import { type RunTracker, trackRun } from './track-run.ts';

/** A run whose journal is open and has a `run.started` of this process: each process that drives the run appends one. */
export interface OpenRun {
  /** Without its past, which a long run does not need any more. */
  readonly run: Omit<LockedRun, 'past'>;
  readonly hosts: readonly OpenHost[];
  readonly stateDir: StateDir;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly tracker: RunTracker;
  readonly concurrency: number;
  /** Resolves when this process must stop acting: with the reason, or with null when it detaches. */
  readonly halted: PromiseWithResolvers<FlowError | null>;
  /** Posts the events that the spec has receivers for. */
  readonly notifier: Notifier;
  /** Aborted at the end, for everything that all agents share. */
  readonly ending: AbortController;
}

/** A host of a run whose journal is open. */
export interface OpenHost extends Host {
  /** The engine has other files than this machine. */
  readonly hasOtherFiles: boolean;
  /** The containers of this process: those of an earlier one are not in it. */
  readonly ledger: ContainerLedger;
  /** Maximum number of agents on it at once. */
  readonly concurrency: number;
}

export const stopReason = 'asked to stop';

/** Open the journal, replay it, and append that this process drives the run from now on. */
export async function openRun(
  { past, ...run }: LockedRun,
  connection: Connection,
  { stateDir, clock = systemClock, env = process.env, stopOnly, onPast, onEvent }: RunOptions,
): Promise<OpenRun> {
  const { plan, vault, folder } = run;
  // Before the first event: what is journaled is redacted.
  vault.learn(secretUrls(plan, env));
  const started = withoutReused(plan, run.rerun);
  const members = membersOf(plan);
  const items = itemNames(members);
  const tracker = trackRun(
    members.map(({ name }) => name),
    spendingOf(plan),
    agent => items.get(agent) ?? [],
  );
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

  const { hosts, early } = connection;
  const onHost = await Promise.all(
    hosts.map(
      host =>
        plan.concurrency ??
        (plan.target?.isSwarm
          ? swarmConcurrency(started, host)
          : maxConcurrency(planOn(started, host), host.engine)),
    ),
  );
  const concurrency = plan.concurrency ?? onHost.reduce((sum, count) => sum + count, 0);
  await appendProcessStart(journal, run, concurrency);
  early.attach(journal);
  await appendWarnings(journal, run, connection, { onHost, state: tracker.state() });
  await appendStop(journal, stopOnly);
  const ending = new AbortController();
  const notifier = notifierOf({ run, journal, tracker, clock }, env);
  return {
    ...{ run, stateDir, clock, journal, tracker, concurrency, halted, notifier, ending },
    hosts: hosts.map((host, index) => {
      const ledger = containerLedger(host.docker);
      const { hasOtherFiles = false } = run.hosts[index]!;
      return { ...host, docker: ledger.docker, ledger, hasOtherFiles, concurrency: onHost[index]! };
    }),
  };
}

async function appendProcessStart(
  journal: Journal,
  { plan, folder, rerun }: OpenRun['run'],
  concurrency: number,
) {
  try {
    await journal.append({
      type: 'run.started',
      runId: folder.runId,
      name: plan.name,
      version,
      pid: process.pid,
      host: hostname(),
      concurrency,
      ...(plan.maxUsd === undefined ? {} : { maxUsd: plan.maxUsd }),
      agents: startedAgents(plan, rerun),
      ...(rerun && { rerunOf: rerun.of }),
    });
  } catch (error) {
    journal[Symbol.dispose]();
    throw error;
  }
}

/** A run that is resumed does not repeat its warnings. */
async function appendWarnings(
  journal: Journal,
  { warnings = [] }: OpenRun['run'],
  { hosts }: Connection,
  { onHost, state }: { onHost: readonly number[]; state: FlowState },
): Promise<void> {
  const known = new Set(state.warnings.map(({ message }) => message));
  const ofHost = async (host: Host, index: number) => {
    const { address, engine } = host;
    const title = titleOf(host);
    const found = [...engineWarnings(engine, process.env), await sshWarning(address.host, onHost[index]!)];
    return found.map(message => (message === null || title === null ? message : `host ${title}: ${message}`));
  };
  const found = [...warnings, ...(await Promise.all(hosts.map(ofHost))).flat()];
  for (const message of new Set(found))
    if (message !== null && !known.has(message))
      void journal.append({ type: 'warning', agent: null, message });
}

async function appendStop(journal: Journal, stopOnly: RunOptions['stopOnly']): Promise<void> {
  if (stopOnly === undefined) return;
  const { agent } = stopOnly;
  const reason = stopReason;
  await journal.append(
    agent === null ? { type: 'run.cancel', reason } : { type: 'agent.cancel', agent, reason },
  );
}

export const warn = ({ journal }: Pick<OpenRun, 'journal'>, message: string) =>
  void journal.append({ type: 'warning', agent: null, message });

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
