import type { Activity, StepInput } from '../../machines/agent-types.ts';
import type { End } from '../../machines/outcome.ts';
import { type ActivityPorts, followActivity } from './activity.ts';
import type { ActorContext } from './context.ts';

type WatchPorts = ActivityPorts & Pick<ActorContext, 'watcher'>;

/** A container holds its own limit; only one that outlives it by this much, in milliseconds, is ended from outside. */
const overdueAfter = 30_000;

export type WatchAgent = (
  context: WatchPorts,
  input: StepInput,
  signal: AbortSignal,
  tell: (mood: Activity) => void,
) => Promise<End | 'overdue'>;

/**
 * Watches agents: resolves when the agent's container has ended, and tells meanwhile what is seen of it. Its limit is
 * counted from when this process saw it run first, by a clock that nobody sets: what the wall clock makes of the time
 * before, after a suspend or a change by an hour, must not end a healthy agent.
 */
export function agentWatcher(): WatchAgent {
  /** By container. */
  const seen = new Map<string, number>();
  return async (context, input, signal, tell) => {
    const { clock, watcher } = context;
    const id = input.containerId!;
    const { run } = context.plan(input.name).timeouts;
    const over = new AbortController();
    const stop = AbortSignal.any([signal, over.signal]);
    const mood = followActivity(context, input, stop, tell);
    const waits: Promise<End | 'overdue'>[] = [watcher.ended(id, stop)];
    if (run !== null) {
      const since = seen.get(id) ?? clock.elapsed();
      seen.set(id, since);
      const left = since + run + overdueAfter - clock.elapsed();
      waits.push(clock.sleep(Math.max(0, left), stop).then(() => 'overdue' as const));
    }
    try {
      const end = await Promise.race(waits);
      seen.delete(id);
      return end;
    } finally {
      over.abort();
      await Promise.allSettled([mood, ...waits]);
    }
  };
}
