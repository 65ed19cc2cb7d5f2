import { EngineError, RunStateError } from '../errors.ts';
import { lockHolder } from '../store/lock.ts';
import { nameOf } from '../store/lock-holder.ts';
import type { RunFolder } from '../store/state-directory.ts';
import { statFile } from '../store/state-files.ts';

/** The journal or another file of the run cannot be written. An action that cannot be journaled is not performed (I3). */
export const unwritable = ({ path, runId }: RunFolder, error: Error) =>
  new RunStateError(
    `${path} cannot be written: ${error.message}. Its agents live on. Fix that, then run agent-flow resume ${runId}`,
    { cause: error },
  );

export const unwritableEnd = ({ path, runId }: RunFolder, error: Error) =>
  new RunStateError(
    `${path} cannot be written: ${error.message}. Its agents have finished; only the result is missing. agent-flow resume ${runId} writes it`,
    { cause: error },
  );

export function lostLock({ path, runId, lock }: RunFolder): RunStateError {
  if (statFile(path) === undefined)
    return new RunStateError(
      `${path} was removed while its agents run. They live on without a record: agent-flow cleanup --all --dry-run lists them`,
    );
  const holder = lockHolder(lock);
  return new RunStateError(
    holder === null
      ? `the lock of ${runId} was removed. Its agents live on: agent-flow resume ${runId}`
      : `${runId} was taken over by ${nameOf(holder)}. Its agents live on`,
  );
}

export const engineReplaced = ({ runId }: RunFolder, expected: string, found: string) =>
  new EngineError(
    `run ${runId} is on the Docker engine ${expected}, and now ${found} answers in its place. Its agents live on where they are. Start that engine again, then run agent-flow resume ${runId}`,
  );

/** No agent can do anything before `reason` is fixed in the environment of a new process. */
export const cannotContinue = ({ runId }: RunFolder, reason: string) =>
  new RunStateError(`${runId} cannot continue: ${reason}. Fix it, then run agent-flow resume ${runId}`);
