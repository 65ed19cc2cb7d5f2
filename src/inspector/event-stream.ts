import type { ServerResponse } from 'node:http';
import type { RunFeed } from './run-feed.ts';

/** Events that go into one message: a long run is told in pieces, between which a page can draw. */
const most = 500;

/**
 * Tells somebody a run's events, from the first that they lack on, as server-sent events. What they have not taken yet
 * is only a number here: who reads slowly costs nothing, and loses nothing.
 */
export function tellEvents(response: ServerResponse, feed: RunFeed, from: number): { end(): void } {
  let next = from;
  let told: boolean | null = null;
  let isEnding = false;
  let isFull = false;

  const message = (text: string) => {
    isFull = !response.write(text);
  };
  const pump = () => {
    if (response.destroyed) return;
    while (!isFull && next < feed.lines.length) {
      const lines = feed.lines.slice(next, next + most);
      next += lines.length;
      message(`id: ${next}\ndata: [${lines.join(',')}]\n\n`);
    }
    if (isFull) return;
    if (told !== feed.isDriven) message(`event: driven\ndata: ${feed.isDriven}\n\n`);
    told = feed.isDriven;
    if (isEnding) response.end('event: over\ndata: true\n\n');
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
