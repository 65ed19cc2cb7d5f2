import { join } from 'node:path';
import { EngineError, FlowError, UsageError } from '../errors.ts';
import { statFile } from '../store/state-files.ts';
import { type FlowState, initialFlowState, reduce } from '../views/flow-state.ts';
import { oneLine } from '../views/text.ts';
import { statusWord } from '../views/words.ts';
import { systemClock } from './clock.ts';
import type { Run } from './conduct.ts';
import { lockHolder } from './lock.ts';
import { resumeRun } from './run.ts';
import { runState } from './run-state.ts';
import type { RunFolder, StateDir } from './state-dir.ts';

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
  const isOver = endings();
  let engine: Wait | null = null;
  let worst = 0;

  const isWaiting = (wait: Wait | null | undefined) => wait != null && wait.until > now();
  const next = (before: Wait | null | undefined, error: unknown, longest: number): Wait => {
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
  const unreachable = (error: unknown) => {
    const wait = next(engine, error, longestPause.engine);
    if (wait.why !== engine?.why) say(`runs wait for the Docker engine: ${wait.why}`);
    engine = wait;
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
    engine = null;
    runs.set(runId, run);
    const agents = Object.values(past.agents);
    const left = agents.filter(({ status }) => status === null).length;
    say(`${runId} of ${oneLine(past.name)} taken up: ${left} of ${agents.length} agents to go`);
    const end = run.done
      .then(({ exitCode, state: { ended } }) => {
        worst = Math.max(worst, exitCode);
        waits.delete(runId);
        if (ended) say(`${runId} ${statusWord[ended.status]}, exit code ${exitCode}`);
        else say(`${runId} let go: its agents live on`);
      })
      .catch(error => failed(runId, error, 'had to be left'))
      .finally(() => {
        runs.delete(runId);
        ends.delete(end);
      });
    ends.add(end);
    if (signal.aborted) void run.letGo();
  };

  signal.addEventListener('abort', () => {
    for (const run of runs.values()) void run.letGo();
  });

  const lookAt = async (folder: RunFolder) => {
    const { runId } = folder;
    if (runs.has(runId) || isWaiting(waits.get(runId)) || lockHolder(folder.lock) !== null) return;
    try {
      if (!isOver(folder)) await takeUp(folder);
    } catch (error) {
      if (error instanceof EngineError) unreachable(error);
      // Not where somebody else was a moment earlier: it is driven, or over.
      else if (!(error instanceof UsageError)) failed(runId, error, 'could not be resumed');
    }
  };

  return {
    async look() {
      try {
        for (const folder of stateDir.runs()) {
          if (signal.aborted || isWaiting(engine)) return;
          await lookAt(folder);
        }
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
