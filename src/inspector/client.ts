import type { StatelyInspectionEvent } from '@statelyai/inspect';
import type { WebSocket } from 'ws';

export interface Client {
  send(event: StatelyInspectionEvent): void;
  /** Close the connection after the pending events are sent. */
  end(): void;
  /** Close the connection at once. */
  drop(): void;
  readonly closed: Promise<void>;
}

/** Bytes that are buffered in a socket. */
const maxBuffered = 256 * 1024;

/**
 * Send a client the past events, then each new one. Pending events are kept as references, not as text, and a client with
 * more than `maxLag` of them is disconnected.
 */
export function openClient(
  socket: WebSocket,
  past: readonly StatelyInspectionEvent[],
  maxLag: number,
): Client {
  const waiting = [...past];
  const maxWaiting = past.length + maxLag;
  let ending = false;

  const pump = () => {
    if (socket.readyState !== socket.OPEN) return;
    while (waiting.length > 0 && socket.bufferedAmount < maxBuffered)
      socket.send(JSON.stringify(waiting.shift()), pump);
    if (ending && waiting.length === 0) socket.close(1000, 'the run is over');
  };
  // An error of a socket is followed by its close event; a closed browser is not worth a report.
  socket.on('error', () => {});
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()));
  pump();

  return {
    closed,
    send(event) {
      waiting.push(event);
      if (waiting.length > maxWaiting) socket.terminate();
      else pump();
    },
    end() {
      ending = true;
      pump();
    },
    drop: () => socket.terminate(),
  };
}
