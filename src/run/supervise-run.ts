import type { Connection } from '../connection/engine-connection.ts';
import { finishRun } from './finish-run.ts';
import { openRun } from './open-run.ts';
import type { Run, RunContext, RunOptions } from './run.ts';
import { startActors } from './start-actors.ts';

/** Drive a run to its end from wherever it is: a fresh run is one with an empty past (I2). */
export async function superviseRun(
  context: RunContext,
  connection: Connection,
  options: RunOptions,
): Promise<Run> {
  const { folder, lock } = context;
  const open = await openRun(context, connection, options);
  const actors = startActors(open, options);
  const done = finishRun(open, actors).finally(() => {
    open.ending.abort();
    actors[Symbol.dispose]();
    open.journal[Symbol.dispose]();
    lock[Symbol.dispose]();
  });
  return {
    folder,
    done,
    cancel: actors.flow.cancel,
    kill: actors.flow.kill,
    async detach() {
      open.halted.resolve(null);
      // Reported to the caller that awaits `done`.
      await done.catch(() => {});
    },
  };
}
