import { join } from 'node:path';
import { systemClock } from '../clock.ts';
import { EngineError } from '../errors.ts';
import { type FlowState, initialFlowState, stateAfter } from '../state/flow-state.ts';
import { statusLabel } from '../state/state-label.ts';
import { lockHolder } from '../store/lock.ts';
import { explainHolder } from '../store/lock-holder.ts';
import { runState } from '../store/run-state.ts';
import type { RunFolder, StateDir } from '../store/state-directory.ts';
import { statFile } from '../store/state-files.ts';
import { oneLine } from '../text/text.ts';
import { resumeRun } from './resume-run.ts';
import { type RetrySchedule, retrySchedule } from './retry-schedule.ts';
import type { Run } from './run.ts';
import { RunTakenError } from './run-lock.ts';

/** Held by the one daemon of a state directory. */
export const daemonLock = ({ path }: StateDir) => join(path, 'daemon.lock');

/** Resumes all runs of a state directory that have no supervisor: this process becomes theirs. */
export interface Resumer {
  /** Scan once; resolves when every run that can be resumed is under way. Never rejects. */
  poll(): Promise<void>;
  /** Resolves when this process no longer drives a run, with the largest exit code so far. */
  idle(): Promise<number>;
}

export interface ResumerOptions {
  readonly stateDir: StateDir;
  /** Receives one line for each thing that happens. */
  readonly log: (line: string) => void;
  /** Detaches from every run, and resumes no more. */
  readonly signal: AbortSignal;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

/** Runs that are resumed at the same time: one whose Docker engine hangs does not delay all others. */
const concurrency = 8;

export function resumer({ stateDir, log, signal, now = systemClock.elapsed }: ResumerOptions): Resumer {
  const failures = retrySchedule(log, now);
  const active = activeRuns({ stateDir, log, signal }, failures);
  const hasEnded = endedRuns();
  /** Runs that were logged to have a supervisor whose state cannot be read from here. */
  const doubtful = new Set<string>();

  const check = async (folder: RunFolder) => {
    const { runId } = folder;
    if (active.has(runId) || failures.isWaiting(runId)) return;
    try {
      const holder = lockHolder(folder.lock);
      if (holder?.doubt && !doubtful.has(runId) && !hasEnded(folder)) {
        doubtful.add(runId);
        log(`${runId} is already being executed by ${explainHolder(holder)}`);
      }
      if (holder === null && !hasEnded(folder)) await active.resume(folder);
    } catch (error) {
      if (error instanceof EngineError) failures.addEngine(runId, error);
      // Another process may have been faster: then the run has a supervisor, or has ended.
      else if (!(error instanceof RunTakenError)) failures.add(runId, error, 'could not be resumed');
    }
  };

  return {
    async poll() {
      try {
        await forEachConcurrently(stateDir.runs(), check, signal);
      } catch (error) {
        failures.add('the state directory', error, 'could not be read');
      }
    },
    idle: active.idle,
  };
}

/** The runs that this process executes. */
function activeRuns({ stateDir, log, signal }: ResumerOptions, failures: RetrySchedule) {
  const runs = new Map<string, Run>();
  const ends = new Set<Promise<void>>();
  let worst = 0;

  const follow = async (runId: string, { done }: Run) => {
    try {
      const { exitCode, state } = await done;
      worst = Math.max(worst, exitCode);
      failures.clear(runId);
      log(endLine(runId, exitCode, state));
    } catch (error) {
      failures.add(runId, error, 'could not continue');
    }
    runs.delete(runId);
  };
  signal.addEventListener('abort', () => {
    for (const run of runs.values()) void run.detach();
  });

  return {
    has: (runId: string) => runs.has(runId),
    async resume(folder: RunFolder) {
      const { runId } = folder;
      let past = initialFlowState;
      const run = await resumeRun(folder, {
        stateDir,
        onPast: events => {
          past = stateAfter(events);
        },
      });
      failures.clearEngine(runId);
      runs.set(runId, run);
      log(resumedLine(runId, past));
      const end = follow(runId, run).finally(() => ends.delete(end));
      ends.add(end);
      if (signal.aborted) void run.detach();
    },
    async idle() {
      while (ends.size > 0) await Promise.all(ends);
      return Math.max(worst, failures.exitCode());
    },
  };
}

async function forEachConcurrently<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) {
      if (signal.aborted) return;
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

function resumedLine(runId: string, { name, agents: byName }: FlowState): string {
  const agents = Object.values(byName);
  const left = agents.filter(({ status }) => status === null).length;
  return `${runId} of ${oneLine(name)} resumed: ${left} of ${agents.length} agents to go`;
}

const endLine = (runId: string, exitCode: number, { ended }: FlowState) =>
  ended === null
    ? `${runId} detached: its agents live on`
    : `${runId} ${statusLabel[ended.status]}, exit code ${exitCode}`;

/** Return whether a run has ended. The journal of one that has is read again only after it changed. */
function endedRuns(): (folder: RunFolder) => boolean {
  const known = new Map<string, string>();
  return folder => {
    const { runId } = folder;
    const { size, mtimeMs } = statFile(folder.journal)!;
    const version = `${size} ${mtimeMs}`;
    if (known.get(runId) === version) return true;
    const { ended } = runState(folder);
    if (ended) known.set(runId, version);
    return ended !== null;
  };
}
