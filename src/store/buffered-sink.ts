import type { RunEventBody } from '../events.ts';

/** A destination of events: `append` resolves when the event is on disk. */
export interface EventSink {
  append(event: RunEventBody): Promise<void>;
}

/** Buffer events until there is a journal. `attach` writes them to it, and every later event. */
export function bufferedSink(): EventSink & { attach(journal: EventSink): void } {
  const buffered: RunEventBody[] = [];
  let journal: EventSink | null = null;
  return {
    // Not async: the journal handles a rejection of its own promise; a promise around it would crash the process.
    append(event) {
      if (journal) return journal.append(event);
      buffered.push(event);
      return Promise.resolve();
    },
    attach(given) {
      journal = given;
      for (const event of buffered) void given.append(event);
    },
  };
}
