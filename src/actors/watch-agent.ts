import type { StepInput } from '../../machines/agent-types.ts';
import type { End } from '../../machines/outcome.ts';
import type { World } from './world.ts';

/** A container holds its own limit; only one that outlives it by this much, in milliseconds, is ended from outside. */
const overdueAfter = 30_000;

/** Resolves when the agent's container has ended. */
export async function watchAgent(
  world: World,
  input: StepInput,
  signal: AbortSignal,
): Promise<End | 'overdue'> {
  const { clock, watcher } = world;
  const { run } = world.plan(input.name).timeouts;
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  const end = watcher.ended(input.containerId!, stop);
  if (run === null || input.injectedAt === null) return end;

  const left = input.injectedAt + run + overdueAfter - clock.now();
  const overdue = clock.sleep(Math.max(0, left), stop).then(() => 'overdue' as const);
  try {
    return await Promise.race([end, overdue]);
  } finally {
    over.abort();
    await Promise.allSettled([end, overdue]);
  }
}
