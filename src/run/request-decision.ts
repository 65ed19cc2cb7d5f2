import { hostname, userInfo } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { FlowError } from '../errors.ts';
import { lockHolder } from '../store/lock.ts';
import { nameOf } from '../store/lock-holder.ts';
import { type DecisionRequest, writeRequest } from '../store/requests.ts';
import type { RunFolder } from '../store/state-directory.ts';
import { removeFile } from '../store/state-files.ts';

export interface DecisionRequestOptions {
  /** Return whether the journal has a decision on the approval, or its end. */
  readonly isOver: () => boolean;
  readonly timeouts?: {
    readonly localMs: number;
    readonly remoteMs: number;
    readonly pollIntervalMs: number;
  };
}

/** A supervisor on another machine may see the file of a request after a minute. */
const defaults = { localMs: 30_000, remoteMs: 90_000, pollIntervalMs: 200 };

/**
 * Request the supervisor of a run to record a decision. Resolves with `taken` when the journal has one, which may be an
 * earlier one, and with `left` if the run has no supervisor: the next one takes the request. Throws a `FlowError` if the
 * supervisor takes no requests; the request is then withdrawn.
 */
export async function requestDecision(
  { runId, requests, lock }: RunFolder,
  request: Omit<DecisionRequest, 'at' | 'by'>,
  { isOver, timeouts = defaults }: DecisionRequestOptions,
): Promise<'taken' | 'left'> {
  const file = writeRequest(requests, { ...request, by: userName(), at: Date.now() });
  const asked = performance.now();
  for (let holder = lockHolder(lock); holder !== null; holder = lockHolder(lock)) {
    if (isOver()) return 'taken';
    const limit = holder.doubt === null ? timeouts.localMs : timeouts.remoteMs;
    if (performance.now() - asked > limit) {
      removeFile(file);
      throw new FlowError(
        `${nameOf(holder)}, the supervisor of ${runId}, has not recorded the decision within ${limit / 1_000} s. It is withdrawn`,
        3,
      );
    }
    await delay(timeouts.pollIntervalMs);
  }
  return isOver() ? 'taken' : 'left';
}

/** Return the user of this process as `name@host`. */
function userName(): string {
  const host = hostname();
  try {
    return `${userInfo().username}@${host}`;
  } catch {
    // The user id has no entry in the list of users, as in some containers.
    return `${process.getuid?.() ?? 'unknown'}@${host}`;
  }
}
