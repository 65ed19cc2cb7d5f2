import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { StatelyInspectionEvent } from '@statelyai/inspect';
import { WebSocketServer } from 'ws';
import { FlowError } from '../errors.ts';
import { type Refusal, refusal, sendRefusal } from './access.ts';
import { type Client, openClient } from './client.ts';
import { openHistory } from './history.ts';
import { statelyPage } from './stately-page.ts';

export interface Relay {
  /** Address of the page; everyone who has it may watch. */
  readonly url: string;
  send(event: StatelyInspectionEvent): void;
  close(): Promise<void>;
}

export interface RelayOptions {
  /** Number of past events that are kept for new clients. */
  readonly remembered: number;
  /** Number of pending events beyond which a client is disconnected. */
  readonly maxLag: number;
  /** Time that clients have at the close to receive the last events. */
  readonly gracePeriodMs: number;
}

/** Serve the page and the events, on the loopback address of this machine only. */
export async function openRelay({ remembered, maxLag, gracePeriodMs }: RelayOptions): Promise<Relay> {
  const token = randomBytes(16).toString('hex');
  const history = openHistory(remembered);
  const clients = new Set<Client>();

  const server = createServer((request, response) => {
    const refused = refusal(request, token, '');
    if (refused) return sendRefusal(response, refused);
    const { html, headers } = statelyPage(request.headers.host ?? '', randomBytes(16).toString('base64'));
    response.writeHead(200, headers).end(html);
  });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024, perMessageDeflate: false });
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => {});
    const refused = refusal(request, token, 'events');
    if (refused) return void stream.end(refusalText(refused), () => stream.destroy());
    sockets.handleUpgrade(request, stream, head, socket => {
      const client = openClient(socket, history.replay(), maxLag);
      clients.add(client);
      void client.closed.then(() => clients.delete(client));
    });
  });
  // Connections do not keep the process of a run alive that forgot to close this.
  server.on('connection', socket => socket.unref());
  server.unref();

  server.listen(0, '127.0.0.1');
  await once(server, 'listening').catch((error: Error) => {
    throw new FlowError(`--inspect cannot listen on 127.0.0.1: ${error.message}`, 2, { cause: error });
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}/${token}/`,
    send(event) {
      history.add(event);
      for (const client of clients) client.send(event);
    },
    async close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      const all = [...clients];
      for (const client of all) client.end();
      const timer = new AbortController();
      await Promise.race([
        Promise.all(all.map(client => client.closed)),
        delay(gracePeriodMs, undefined, { signal: timer.signal }).catch(() => {}),
      ]);
      timer.abort();
      for (const client of clients) client.drop();
      server.closeAllConnections();
      await closed;
    },
  };
}

const refusalText = ({ status, reason }: Refusal) =>
  `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
