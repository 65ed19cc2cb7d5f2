import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/** What a request asks for behind the token. */
export interface AuthorizedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

/**
 * What a request asks for, or why it may not. A page of another site can make a browser ask for anything on this
 * machine: by a name of its own for our address (so the Host is looked at), or from its own pages (so the Origin is,
 * where a browser sends one; and what changes something is only taken from who sends one).
 */
export function authorize(
  { method = '', url = '', headers }: IncomingMessage,
  token: string,
): AuthorizedRequest | Refusal {
  const { host = '', origin } = headers;
  if (!isLoopback(host)) return { status: 403, reason: 'Invalid host.' };
  if (origin === undefined ? method !== 'GET' : origin !== `http://${host}`)
    return { status: 403, reason: 'Cross-origin requests are not allowed.' };
  const [route = '', query = ''] = url.split('?', 2);
  const [, given = '', ...rest] = route.split('/');
  if (!same(given, token)) return { status: 403, reason: 'Invalid token.' };
  return { method, path: rest.join('/'), query: new URLSearchParams(query) };
}

/** Whether a request may read what lies at `path` behind the token; null where it may. */
export function refusal(request: IncomingMessage, token: string, path: string): Refusal | null {
  const found = authorize(request, token);
  if ('reason' in found) return found;
  if (found.path !== path) return notFound;
  return found.method === 'GET' ? null : methodNotAllowed;
}

export const notFound: Refusal = { status: 404, reason: 'Not found.' };
export const methodNotAllowed: Refusal = { status: 405, reason: 'Method not allowed.' };

export function sendRefusal(response: ServerResponse, { status, reason }: Refusal): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
  response.end(`${reason} Use the address that agent-flow printed.\n`);
}

/** Any port: through an ssh tunnel it may be another than ours. */
const isLoopback = (host: string) => /^(127\.0\.0\.1|localhost)(:\d{1,5})?$/.test(host);

const digest = (text: string) => createHash('sha256').update(text).digest();
const same = (one: string, other: string) => timingSafeEqual(digest(one), digest(other));
