import type { Connection } from '../connection/connect.ts';
import { finishRun } from './finish-run.ts';
import { openRun } from './open-run.ts';
import type { LockedRun, Run, RunOptions } from './run.ts';
import { startActors } from './start-actors.ts';

/** Drive a run to its end from wherever it is: a fresh run is one with an empty past (I2). */
export async function superviseRun(
  run: LockedRun,
  connection: Connection,
  options: RunOptions,
): Promise<Run> {
  // Not the run itself, which has its whole past.
  const { folder, lock } = run;
  const open = await openRun(run, connection, options);
  const driven = startActors(open, options);
  const done = finishRun(open, driven).finally(() => {
    open.ending.abort();
    void open.notifier.close(0);
    driven[Symbol.dispose]();
    open.journal[Symbol.dispose]();
    lock[Symbol.dispose]();
  });
  return {
    folder,
    done,
    cancel: driven.driver.cancel,
    kill: driven.driver.kill,
    async detach() {
      open.halted.resolve(null);
      // Reported to the caller that awaits `done`.
      await done.catch(() => {});
    },
  };
}
