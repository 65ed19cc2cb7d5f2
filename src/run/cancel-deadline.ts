import type { RunEvent } from '../events.ts';
import type { ItemsOf } from '../recovery/track-records.ts';

/** The deadline of cancelled agents for optional work, such as saving their output and artifacts. */
export interface CancelDeadline {
  apply(event: RunEvent): void;
  /** Fires when the agent's time is over. */
  signal(agent: string): AbortSignal;
  /** End the time of all cancelled agents now. */
  end(): void;
}

/** Milliseconds for optional work after a cancel, so that everything after a Ctrl-C takes less than five seconds. */
const gracePeriodMs = 3_000;

export function cancelDeadline(names: readonly string[], itemsOf: ItemsOf = () => []): CancelDeadline {
  const controllers = new Map<string, AbortController>();
  const cancelled = new Set<string>();
  const controllerOf = (name: string) => {
    const controller = controllers.get(name) ?? new AbortController();
    controllers.set(name, controller);
    return controller;
  };
  return {
    apply(event) {
      const added = cancelledBy(event, names, itemsOf).filter(name => !cancelled.has(name));
      if (added.length === 0) return;
      for (const name of added) cancelled.add(name);
      setTimeout(() => {
        for (const name of added) controllerOf(name).abort();
      }, gracePeriodMs).unref();
    },
    signal: agent => controllerOf(agent).signal,
    end() {
      for (const name of cancelled) controllerOf(name).abort();
    },
  };
}

function cancelledBy(event: RunEvent, names: readonly string[], itemsOf: ItemsOf): readonly string[] {
  if (event.type === 'run.cancel') return names;
  return event.type === 'agent.cancel' ? [event.agent, ...itemsOf(event.agent)] : [];
}
