import type { RunEvent } from '../events.ts';

/** Who was cancelled, and by when there is no time left for what can be done without. */
export interface ShutdownDeadline {
  note(event: RunEvent): void;
  /** Fires when the agent's time is over. */
  of(agent: string): AbortSignal;
  /** Of all that were cancelled, it is over now. */
  end(): void;
}

/** After a Ctrl-C everything together takes less than five seconds. Milliseconds. */
const patience = 3_000;

export function shutdownDeadline(names: readonly string[]): ShutdownDeadline {
  const controllers = new Map(names.map(name => [name, new AbortController()]));
  const cancelled = new Set<string>();
  return {
    note(event) {
      const hurried =
        event.type === 'run.cancel' ? names : event.type === 'agent.cancel' ? [event.agent] : [];
      for (const name of hurried) {
        if (cancelled.has(name)) continue;
        cancelled.add(name);
        setTimeout(() => controllers.get(name)?.abort(), patience).unref();
      }
    },
    of: agent => controllers.get(agent)!.signal,
    end() {
      for (const name of cancelled) controllers.get(name)?.abort();
    },
  };
}
