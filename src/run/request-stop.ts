import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { FlowError } from '../errors.ts';
import { lockHolder } from '../store/lock.ts';
import { explainHolder, type Holder, nameOf } from '../store/lock-holder.ts';
import { writeRequest } from '../store/requests.ts';
import type { RunFolder } from '../store/state-directory.ts';
import { removeFile, statFile } from '../store/state-files.ts';

export interface StopRequestOptions {
  /** The agent to stop; null for the whole run. */
  readonly agent: string | null;
  readonly isOver: () => boolean;
  readonly say: (line: string) => void;
  /** Milliseconds. */
  readonly timeouts?: StopRequestTimeouts;
}

/** Milliseconds. */
interface StopRequestTimeouts {
  /** For an engine process on this machine to take a request. */
  readonly here: number;
  /** For any other: a network file system shows a new file to another machine after a minute at the latest. */
  readonly elsewhere: number;
  /** Between two requests: a request that is taken shows that the engine process is alive. */
  readonly again: number;
  readonly poll: number;
}

const defaults: StopRequestTimeouts = { here: 30_000, elsewhere: 90_000, again: 5_000, poll: 300 };

/**
 * Request the engine process of a run to stop it. Resolves when that is done, or when the run has no engine process any
 * more. Throws a `FlowError` where the engine process takes no requests: it hangs, or is gone while its lock cannot be
 * checked from here. The request is then withdrawn.
 */
export async function requestStop(folder: RunFolder, options: StopRequestOptions): Promise<void> {
  const { agent, isOver, say, timeouts = defaults } = options;
  let request = ask(folder, agent);
  let asked = performance.now();
  let isSlow = false;
  try {
    for (let holder = lockHolder(folder.lock); holder !== null; holder = lockHolder(folder.lock)) {
      if (isOver()) return;
      const waited = performance.now() - asked;
      const isTaken = statFile(request) === undefined;
      const limit = holder.doubt === null ? timeouts.here : timeouts.elsewhere;
      if (!isTaken && waited > limit) throw new FlowError(notTaken(folder, holder, limit), 3);
      if (isTaken && waited > timeouts.again) {
        if (!isSlow) say(`${nameOf(holder)} is still stopping it`);
        isSlow = true;
        request = writeRequest(folder.requests, { ping: true });
        asked = performance.now();
      }
      await delay(timeouts.poll);
    }
  } finally {
    removeFile(request);
  }
}

function ask(folder: RunFolder, agent: string | null): string {
  try {
    return writeRequest(folder.requests, { stop: agent });
  } catch (error) {
    const { runId, lock } = folder;
    const holder = lockHolder(lock);
    const hint = holder?.identity ? `. A SIGINT stops all that ${nameOf(holder)} executes` : '';
    throw new FlowError(`${runId} cannot be requested to stop: ${(error as Error).message}${hint}`, 3, {
      cause: error,
    });
  }
}

function notTaken({ runId }: RunFolder, holder: Holder, limit: number): string {
  const silence = `no engine process of ${runId} has taken the request within ${limit / 1_000} s`;
  if (holder.doubt !== null) return `${silence}. The run is being executed by ${explainHolder(holder)}`;
  return `${silence}: ${nameOf(holder)} lives and hangs, or is suspended. Resume it with kill -CONT ${holder.identity!.pid}, or end it with kill -9 and run agent-flow stop ${runId} again`;
}
