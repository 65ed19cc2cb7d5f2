import type { RunEventBody } from '../events.ts';

/** Where events go: `append` resolves when the event is on disk. */
export interface EventSink {
  append(event: RunEventBody): Promise<void>;
}

/** Buffer events until there is a journal; `attach` writes the buffered ones to it, and all that follow. */
export function bufferedSink(): EventSink & { attach(journal: EventSink): void } {
  const buffered: RunEventBody[] = [];
  let journal: EventSink | null = null;
  return {
    // Not async: the journal's own promise may go unheeded, one around it would crash the process where it fails.
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
