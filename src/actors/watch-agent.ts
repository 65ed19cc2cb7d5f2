import type { Activity, StepInput } from '../../machines/agent-types.ts';
import type { End } from '../../machines/outcome.ts';
import { type ActivityPorts, followActivity } from './activity.ts';
import { reportOf, tokenLimits } from './budget.ts';
import type { ActorContext } from './context.ts';
import type { Leases } from './lease.ts';

type WatchPorts = ActivityPorts & Pick<ActorContext, 'watcher' | 'docker' | 'networks' | 'shareOfBudget'>;

/** A container enforces its own limit; one that exceeds it by this many milliseconds is ended from outside. */
const overdueGracePeriodMs = 30_000;

export type WatchAgent = (
  context: WatchPorts,
  input: StepInput,
  signal: AbortSignal,
  report: (activity: Activity) => void,
) => Promise<End | 'overdue'>;

/**
 * Resolve when the agent's container has ended, and report its activity and renew its lease until then. Its limit is
 * counted by a monotonic clock from when this process first saw it run: a wall clock that jumps, as after a suspend or a
 * change by an hour, must not end a healthy agent.
 */
export function agentWatcher(leases: Pick<Leases, 'renew' | 'forget'>): WatchAgent {
  /** The time by the monotonic clock at which each container was first seen. */
  const firstSeen = new Map<string, number>();
  return async (context, input, signal, report) => {
    const { clock, watcher } = context;
    const id = input.containerId!;
    const plan = context.plan(input.name);
    const { run } = plan.timeouts;
    // For an agent that an earlier process has started.
    void context.networks.keep(plan, input.attempt, async () => tokenLimits(await reportOf(context, input)));
    const over = new AbortController();
    const stop = AbortSignal.any([signal, over.signal]);
    const followed = followActivity(context, input, stop, report);
    const renewed = leases.renew(context, input, stop);
    const waits: Promise<End | 'overdue'>[] = [watcher.ended(id, stop)];
    if (run !== null) {
      const since = firstSeen.get(id) ?? clock.elapsed();
      firstSeen.set(id, since);
      const left = since + run + overdueGracePeriodMs - clock.elapsed();
      waits.push(clock.sleep(Math.max(0, left), stop).then(() => 'overdue' as const));
    }
    try {
      const end = await Promise.race(waits);
      firstSeen.delete(id);
      // One that is overdue may be alive, and its engine may be lost before it is ended.
      if (end !== 'overdue') leases.forget(input);
      return end;
    } finally {
      over.abort();
      await Promise.allSettled([followed, renewed, ...waits]);
    }
  };
}
