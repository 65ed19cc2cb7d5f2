import { join } from 'node:path';
import { systemClock } from '../clock.ts';
import { EngineError, FlowError } from '../errors.ts';
import { type FlowState, initialFlowState, reduce } from '../state/flow-state.ts';
import { statusLabel } from '../state/state-label.ts';
import { lockHolder } from '../store/lock.ts';
import { explainHolder } from '../store/lock-holder.ts';
import { runState } from '../store/run-state.ts';
import type { RunFolder, StateDir } from '../store/state-directory.ts';
import { statFile } from '../store/state-files.ts';
import { oneLine } from '../text/text.ts';
import { resumeRun } from './resume-run.ts';
import type { Run } from './run.ts';
import { RunTakenError } from './run-lock.ts';

/** Held by the one daemon of a state directory. */
export const daemonLock = ({ path }: StateDir) => join(path, 'daemon.lock');

/** Takes up the runs of a state directory that nobody drives, and drives them in this process. */
export interface Supervisor {
  /** One look; resolves when whatever can be taken up is under way. Never rejects. */
  look(): Promise<void>;
  /** Resolves when no run is driven any more; with the largest of the exit codes so far. */
  over(): Promise<number>;
}

export interface SupervisorOptions {
  readonly stateDir: StateDir;
  /** Told one line for each thing that happens. */
  readonly say: (line: string) => void;
  /** Lets go of every run, and takes up no more. */
  readonly signal: AbortSignal;
  /** Milliseconds of a clock that nobody sets. */
  readonly now?: () => number;
}

/** What could not be done, and is tried again later. */
interface Wait {
  readonly why: string;
  /** Milliseconds of that clock. */
  readonly until: number;
  readonly pause: number;
}

/** In milliseconds: the first pause is doubled with each failure that follows. */
const firstPause = 5_000;
const longestPause = { run: 10 * 60_000, engine: 60_000 } as const;

/** Runs that are tried at one time: one whose Docker engine hangs does not keep all others waiting. */
const atOnce = 8;

export function supervisor({
  stateDir,
  say,
  signal,
  now = systemClock.elapsed,
}: SupervisorOptions): Supervisor {
  const runs = new Map<string, Run>();
  const ends = new Set<Promise<void>>();
  /** By run. */
  const waits = new Map<string, Wait>();
  /** Likewise, for want of the run's Docker engine. */
  const engineWaits = new Map<string, Wait>();
  const isOver = endings();
  /** Runs that were said to be left to an engine process that nobody here can judge. */
  const unseen = new Set<string>();
  let worst = 0;

  const isWaiting = (wait: Wait | undefined) => wait !== undefined && wait.until > now();
  const next = (before: Wait | undefined, error: unknown, longest: number): Wait => {
    const pause = before ? Math.min(longest, before.pause * 2) : firstPause;
    worst = Math.max(worst, error instanceof FlowError ? error.exitCode : 1);
    return {
      why: oneLine(error instanceof Error ? error.message : String(error)),
      until: now() + pause,
      pause,
    };
  };
  const failed = (runId: string, error: unknown, what: string) => {
    const before = waits.get(runId);
    const wait = next(before, error, longestPause.run);
    waits.set(runId, wait);
    if (wait.why !== before?.why) say(`${runId} ${what}: ${wait.why}`);
  };
  /** Each run has a Docker engine of its own, though most have the same, of which one line is enough. */
  const unreachable = (runId: string, error: unknown) => {
    const wait = next(engineWaits.get(runId), error, longestPause.engine);
    const isSaid = [...engineWaits.values()].some(({ why }) => why === wait.why);
    if (!isSaid) say(`runs wait for the Docker engine: ${wait.why}`);
    engineWaits.set(runId, wait);
  };

  const takeUp = async (folder: RunFolder) => {
    const { runId } = folder;
    let past: FlowState = initialFlowState;
    const run = await resumeRun(folder, {
      stateDir,
      onPast: events => {
        past = events.reduce(reduce, past);
      },
    });
    engineWaits.delete(runId);
    runs.set(runId, run);
    const agents = Object.values(past.agents);
    const left = agents.filter(({ status }) => status === null).length;
    say(`${runId} of ${oneLine(past.name)} taken up: ${left} of ${agents.length} agents to go`);
    const end = run.done
      .then(({ exitCode, state: { ended } }) => {
        worst = Math.max(worst, exitCode);
        waits.delete(runId);
        if (ended) say(`${runId} ${statusLabel[ended.status]}, exit code ${exitCode}`);
        else say(`${runId} let go: its agents live on`);
      })
      .catch(error => failed(runId, error, 'had to be left'))
      .finally(() => {
        runs.delete(runId);
        ends.delete(end);
      });
    ends.add(end);
    if (signal.aborted) void run.detach();
  };

  signal.addEventListener('abort', () => {
    for (const run of runs.values()) void run.detach();
  });

  const lookAt = async (folder: RunFolder) => {
    const { runId } = folder;
    if (runs.has(runId) || [waits, engineWaits].some(known => isWaiting(known.get(runId)))) return;
    try {
      const holder = lockHolder(folder.lock);
      if (holder?.doubt && !unseen.has(runId) && !isOver(folder)) {
        unseen.add(runId);
        say(`${runId} is driven by ${explainHolder(holder)}`);
      }
      if (holder === null && !isOver(folder)) await takeUp(folder);
    } catch (error) {
      if (error instanceof EngineError) unreachable(runId, error);
      // Not where somebody else was a moment earlier: it is driven, or over.
      else if (!(error instanceof RunTakenError)) failed(runId, error, 'could not be resumed');
    }
  };

  return {
    async look() {
      try {
        const folders = stateDir.runs().values();
        const lookAtEach = async () => {
          for (const folder of folders) {
            if (signal.aborted) return;
            await lookAt(folder);
          }
        };
        await Promise.all(Array.from({ length: atOnce }, lookAtEach));
      } catch (error) {
        failed('the state directory', error, 'could not be read');
      }
    },
    async over() {
      while (ends.size > 0) await Promise.all(ends);
      return worst;
    },
  };
}

/** Whether a run is over; one that was so when its journal was as it is now is not read again. */
function endings(): (folder: RunFolder) => boolean {
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
