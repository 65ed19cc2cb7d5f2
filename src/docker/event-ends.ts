import type { ContainerEnds } from './container-ends.ts';
import { readContainerEvent } from './container-events.ts';
import { labelFilter } from './labels.ts';
import type { CallEnd, Recorder } from './recorder.ts';
import { followLines } from './stream.ts';

export interface EventOptions {
  readonly recorder: Recorder;
  readonly runId: string;
  readonly signal: AbortSignal;
  /** The engine's time before the run, milliseconds since the epoch; events are read from there on. */
  readonly engineTime?: number | null;
}

/**
 * Return a function that reads ends from `docker events` until the stream ends. Each call reads from the last end on.
 * `onUnread` is called for a line that could not be read, and may have been an end.
 */
export function eventReader(
  ends: ContainerEnds,
  { recorder, runId, signal, engineTime = null }: EventOptions,
  onUnread: () => void,
): () => Promise<CallEnd> {
  /** By the engine's clock. */
  let lastEventAt = engineTime;

  const readLine = (line: string) => {
    const event = readContainerEvent(line);
    if (event === null) return onUnread();
    if (event.kind === 'outOfMemory') ends.outOfMemory(event.id);
    if (event.kind !== 'died' && event.kind !== 'removed') return;
    const { id, at } = event;
    lastEventAt = Math.max(lastEventAt ?? 0, at);
    if (event.kind === 'died') ends.died(id, { exitCode: event.exitCode, finishedAt: at });
    else ends.removed(id);
  };

  return () => {
    // Events during the connect are read twice rather than not at all.
    const since = lastEventAt === null ? [] : [`--since=${Math.floor(lastEventAt / 1000)}`];
    const args = [
      'events',
      ...since,
      '--format={{json .}}',
      // No filter by event: Podman names the end of a container differently, and would report nothing.
      '--filter=type=container',
      `--filter=${labelFilter.run(runId)}`,
    ];
    return followLines(recorder, args, readLine, { signal, isPolling: true });
  };
}
