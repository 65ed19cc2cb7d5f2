import { UsageError } from '../errors.ts';
import { isLock, type Lock, takeLock } from '../store/lock.ts';
import { explainHolder } from '../store/lock-holder.ts';
import type { RunFolder } from '../store/state-directory.ts';

/** Thrown if the run has another supervisor, or has ended. */
export class RunTakenError extends UsageError {}

export function lockRun(folder: RunFolder, force = false): Lock {
  const lock = takeLock(folder.lock, { force });
  if (isLock(lock)) return lock;
  throw new RunTakenError(`run ${folder.runId} is already being executed by ${explainHolder(lock)}`);
}
