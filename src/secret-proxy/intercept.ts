import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Authority } from './certificates.ts';
import { agentNamed } from './client-name.ts';
import { forward, type Interception } from './forward.ts';
import type { Grants } from './grants.ts';
import { openTunnel } from './tunnel.ts';

/** The header with the name of the client's container: squid sets it, whatever the client has sent. */
const clientHeader = 'x-agent-flow-client';

export interface InterceptOptions {
  readonly runId: string;
  /** Proves that squid has given the name of a client: `KEY NAME`. */
  readonly key: string;
  readonly grants: Grants;
  readonly authority: Authority;
  /** The port of the proxy that opens connections. */
  readonly proxyPort: number;
}

/**
 * Return the server to which squid forwards connections to the hosts of secrets. The requests of an agent that has a secret
 * for the host are decrypted, and get it; all other connections are passed on as they are.
 */
export function interceptingServer(options: InterceptOptions): Server {
  const { runId, key, grants, authority, proxyPort } = options;
  const interceptions = new WeakMap<object, Interception>();
  const decrypted = createServer((request, response) => {
    forward(request, response, interceptions.get(request.socket)!).catch(() => response.destroy());
  });
  // An upload may take as long as the agent works, and git may use a connection again after minutes.
  decrypted.requestTimeout = 0;
  decrypted.keepAliveTimeout = 600_000;

  const connect = async ({ url = '', headers }: IncomingMessage, socket: Duplex, head: Buffer) => {
    const [shownKey, name] = String(headers[clientHeader]).split(' ');
    const agent = key !== '' && shownKey === key ? agentNamed(name, runId) : null;
    const own = agent === null ? [] : grants.find(agent, url);
    if (agent === null || own.length === 0) return passOn(url, { socket, head, proxyPort });
    const secureContext = await authority.contextFor(url.slice(0, url.lastIndexOf(':')));
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) socket.unshift(head);
    const tls = new TLSSocket(socket as never, {
      ...{ isServer: true, secureContext },
      ALPNProtocols: ['http/1.1'],
    });
    tls.on('error', () => socket.destroy());
    interceptions.set(tls, { host: url, grants: own, authorities: grants.authorities(agent), proxyPort });
    decrypted.emit('connection', tls);
  };

  const server = createServer((_, response) => {
    response.writeHead(405).end();
  });
  server.on('connect', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    connect(request, socket, head).catch(() => socket.destroy());
  });
  server.on('close', () => decrypted.close());
  return server;
}

interface Passing {
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly proxyPort: number;
}

async function passOn(host: string, { socket, head, proxyPort }: Passing): Promise<void> {
  const tunnel = await openTunnel(host, proxyPort).catch(() => null);
  if (tunnel === null) return void socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  tunnel.on('error', () => socket.destroy());
  socket.on('close', () => tunnel.destroy());
  tunnel.on('close', () => socket.destroy());
  socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
  if (head.length > 0) tunnel.write(head);
  socket.pipe(tunnel).pipe(socket);
}
