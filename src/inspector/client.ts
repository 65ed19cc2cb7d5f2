import type { StatelyInspectionEvent } from '@statelyai/inspect';
import type { WebSocket } from 'ws';

export interface Client {
  send(event: StatelyInspectionEvent): void;
  /** Says goodbye after what is still to be sent. */
  end(): void;
  /** Lets go at once. */
  drop(): void;
  readonly closed: Promise<void>;
}

/** Bytes that a socket is given before it has taken those it has. */
const maxBuffered = 256 * 1024;

/**
 * Somebody who watches: is told the story so far, then each event. What it has not taken waits here, as references
 * and not as text, and one that falls too far behind is dropped.
 */
export function openClient(
  socket: WebSocket,
  story: readonly StatelyInspectionEvent[],
  patience: number,
): Client {
  const waiting = [...story];
  const most = story.length + patience;
  let ending = false;

  const pump = () => {
    if (socket.readyState !== socket.OPEN) return;
    while (waiting.length > 0 && socket.bufferedAmount < maxBuffered)
      socket.send(JSON.stringify(waiting.shift()), pump);
    if (ending && waiting.length === 0) socket.close(1000, 'the run is over');
  };
  // What went wrong with a socket is followed by its close; a browser that is gone is nothing to report.
  socket.on('error', () => {});
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()));
  pump();

  return {
    closed,
    send(event) {
      waiting.push(event);
      if (waiting.length > most) socket.terminate();
      else pump();
    },
    end() {
      ending = true;
      pump();
    },
    drop: () => socket.terminate(),
  };
}
