import type { ServerResponse } from 'node:http';
import type { RunFeed } from './run-feed.ts';

/** Events in one message: a long run is sent in pieces, so that the page can draw in between. */
const batchSize = 500;

/**
 * Send the events of a run from `from` on as server-sent events. Pending events are only an index here, so a slow reader
 * costs nothing and loses nothing.
 */
export function streamEvents(response: ServerResponse, feed: RunFeed, from: number): { end(): void } {
  let next = from;
  let sent: boolean | null = null;
  let isEnding = false;
  let isFull = false;

  const message = (text: string) => {
    isFull = !response.write(text);
  };
  const pump = () => {
    if (response.destroyed) return;
    while (!isFull && next < feed.lines.length) {
      const lines = feed.lines.slice(next, next + batchSize);
      next += lines.length;
      message(`id: ${next}\ndata: [${lines.join(',')}]\n\n`);
    }
    if (isFull) return;
    if (sent !== feed.hasSupervisor) message(`event: supervised\ndata: ${feed.hasSupervisor}\n\n`);
    sent = feed.hasSupervisor;
    if (isEnding) response.end('event: end\ndata: true\n\n');
  };
  const unsubscribe = feed.subscribe(pump);
  response.on('drain', () => {
    isFull = false;
    pump();
  });
  response.once('close', unsubscribe);
  pump();
  return {
    end() {
      isEnding = true;
      pump();
    },
  };
}
