import type { RunEvent } from '../events.ts';

/** The end of the time that cancelled agents have for optional work. */
export interface ShutdownDeadline {
  apply(event: RunEvent): void;
  /** Fires when the agent's time is over. */
  signal(agent: string): AbortSignal;
  /** End the time of all cancelled agents now. */
  end(): void;
}

/** After a Ctrl-C everything together takes less than five seconds. */
const gracePeriodMs = 3_000;

export function shutdownDeadline(names: readonly string[]): ShutdownDeadline {
  const controllers = new Map<string, AbortController>();
  const cancelled = new Set<string>();
  const controllerOf = (name: string) => {
    const controller = controllers.get(name) ?? new AbortController();
    controllers.set(name, controller);
    return controller;
  };
  return {
    apply(event) {
      const added = cancelledBy(event, names).filter(name => !cancelled.has(name));
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

function cancelledBy(event: RunEvent, names: readonly string[]): readonly string[] {
  if (event.type === 'run.cancel') return names;
  return event.type === 'agent.cancel' ? [event.agent] : [];
}
