import type { AgentInput } from './agent-types.ts';
import { at, phaseOf, type Schedule, withoutContainer, withPhase } from './flow-schedule.ts';
import { withoutFirst } from './priority-queue.ts';

/** Start the ready agents for which there is room. */
export function startReady(schedule: Schedule): {
  readonly schedule: Schedule;
  readonly started: AgentInput[];
} {
  const started: AgentInput[] = [];
  let next = schedule;
  for (let host = nextHost(next); host !== null; host = nextHost(next)) {
    const queue = next.ready[host]!;
    const index = queue.first;
    next = { ...next, ready: { ...next.ready, [host]: withoutFirst(queue) } };
    if (phaseOf(next, index) !== 'waiting') continue;
    next = withPhase(next, index, 'started', null);
    started.push(next.agents[index]!);
  }
  return { schedule: next, started };
}

/** Return the host of the first agent that is ready and for which there is room; null if there is none. */
function nextHost({ ready, counts, concurrency, startedOn, hostConcurrency }: Schedule): string | null {
  const isFull = counts.started - (at(startedOn, withoutContainer) ?? 0) >= concurrency;
  let found: { readonly host: string; readonly first: number } | null = null;
  for (const [host, queue] of Object.entries(ready)) {
    if (
      queue === null ||
      (isFull && host !== withoutContainer) ||
      (at(startedOn, host) ?? 0) >= (at(hostConcurrency, host) ?? Number.POSITIVE_INFINITY)
    )
      continue;
    if (found === null || queue.first < found.first) found = { host, first: queue.first };
  }
  return found?.host ?? null;
}
