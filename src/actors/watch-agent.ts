import type { WatchInput } from '../../machines/agent-types.ts';
import type { End } from '../../machines/outcome.ts';
import { followMood } from './mood.ts';
import type { World } from './world.ts';

/** A container holds its own limit; only one that outlives it by this much, in milliseconds, is ended from outside. */
const overdueAfter = 30_000;

/** Resolves when the agent's container has ended, and tells meanwhile what is seen of it. */
export async function watchAgent(
  world: World,
  input: WatchInput,
  signal: AbortSignal,
): Promise<End | 'overdue'> {
  const { clock, watcher } = world;
  const { run } = world.plan(input.name).timeouts;
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  const mood = followMood(world, input, stop);
  const waits: Promise<End | 'overdue'>[] = [watcher.ended(input.containerId!, stop)];
  if (run !== null && input.injectedAt !== null) {
    const left = input.injectedAt + run + overdueAfter - clock.now();
    waits.push(clock.sleep(Math.max(0, left), stop).then(() => 'overdue' as const));
  }
  try {
    return await Promise.race(waits);
  } finally {
    over.abort();
    await Promise.allSettled([mood, ...waits]);
  }
}
