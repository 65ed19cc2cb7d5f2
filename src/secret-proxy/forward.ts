import type { IncomingMessage, ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline, type Transform } from 'node:stream';
import { connect as connectTls, rootCertificates, type TLSSocket } from 'node:tls';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { redactingStream } from '../secrets/chunk-redactor.ts';
import { redactor } from '../secrets/redact.ts';
import { fillHeader } from './fill-header.ts';
import type { Grant } from './grants.ts';
import { requestHeaders, responseHeaders } from './headers.ts';
import { openTunnel } from './tunnel.ts';

/** The connection that a request came by. */
export interface Interception {
  /** With its port: `api.example.com:443`. */
  readonly host: string;
  readonly grants: readonly Grant[];
  /** Certificates of further authorities, as PEM. */
  readonly authorities: string;
  /** The port of the proxy that opens connections. */
  readonly proxyPort: number;
}

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** Send a request to its host with the secrets in it, and its response to the client without them. */
export async function forward(
  client: IncomingMessage,
  response: ServerResponse,
  interception: Interception,
): Promise<void> {
  const { host, grants } = interception;
  const socket = await connectTo(interception).catch((error: Error) => {
    refuse(response, `cannot connect to ${host}: ${error.message}`);
    return null;
  });
  if (socket === null) return;
  response.on('close', () => socket.destroy());
  const fill = (name: string, content: string) => fillHeader(name, content, grants);
  const upstream = httpsRequest({
    createConnection: () => socket,
    method: client.method,
    path: client.url,
    headers: requestHeaders(client.rawHeaders, host, fill).flat(),
    setHost: false,
  });
  upstream.on('response', answer => respond(client, { answer, response }, grants));
  upstream.on('upgrade', (_, raw) => {
    raw.destroy();
    refuse(response, `${host} wants another protocol than HTTP`);
  });
  upstream.on('error', error => refuse(response, `no response of ${host}: ${error.message}`));
  client.pipe(upstream);
}

/** Connect to a host by the proxy, whose rules hold for it, and verify its certificate. */
async function connectTo({ host, authorities, proxyPort }: Interception): Promise<TLSSocket> {
  const tunnel = await openTunnel(host, proxyPort);
  const servername = host.slice(0, host.lastIndexOf(':'));
  const ca = authorities === '' ? [...rootCertificates] : [...rootCertificates, authorities];
  const socket = connectTls({ socket: tunnel, servername, ca, ALPNProtocols: ['http/1.1'] });
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
    tunnel.once('close', () => reject(new Error('the connection was closed')));
  });
  return socket;
}

function respond(
  client: IncomingMessage,
  { answer, response }: { readonly answer: IncomingMessage; readonly response: ServerResponse },
  grants: readonly Grant[],
): void {
  const secrets = redactor(grants.map(({ value }) => value));
  const status = answer.statusCode ?? 502;
  const hasBody = client.method !== 'HEAD' && status !== 204 && status !== 304;
  const encoding = (answer.headers['content-encoding'] ?? 'identity').toLowerCase();
  const decoder = decoders[encoding];
  if (hasBody && encoding !== 'identity' && decoder === undefined) {
    answer.destroy();
    refuse(response, 'the response has an encoding in which secrets cannot be found');
    return;
  }
  const headers = responseHeaders(answer.rawHeaders, { hasBody }, secrets.text);
  response.writeHead(status, secrets.text(answer.statusMessage ?? ''), headers.flat());
  response.flushHeaders();
  const redacting = redactingStream(secrets.lines());
  const end = (error: Error | null | undefined) => void (error && response.destroy());
  if (decoder === undefined) pipeline(answer, redacting, response, end);
  else pipeline(answer, decoder(), redacting, response, end);
}

function refuse(response: ServerResponse, why: string): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(502, { 'Content-Type': 'text/plain' }).end(`agent-flow proxy: ${why}\n`);
}
