import { createServer, type Server } from 'node:net';
import type { GrantMessage } from './grants.ts';

const maxBytes = 16 * 2 ** 20;

/** Return a server, for a socket in a directory of this container, that takes one message and returns `reply`. */
export function controlServer(accept: (message: GrantMessage) => void, reply: string): Server {
  return createServer({ allowHalfOpen: true }, socket => {
    let text = '';
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > maxBytes) socket.destroy();
    });
    socket.on('end', () => {
      try {
        accept(JSON.parse(text) as GrantMessage);
        socket.end(reply);
      } catch {
        // A message that was cut off. Its text must not get into a log.
        socket.destroy();
      }
    });
  });
}
