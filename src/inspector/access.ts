import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/** A request with a valid token. */
export interface AuthorizedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

/**
 * Authorize a request, or return why it is refused. A page of another site can make a browser send requests to this
 * machine: by a host name that resolves to our address (hence the check of Host), or from its own pages (hence the check
 * of Origin, if the browser sends one; a request that changes something must have one).
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

/** Return why a request may not read `path` behind the token; null if it may. */
export function refusal(request: IncomingMessage, token: string, path: string): Refusal | null {
  const found = authorize(request, token);
  if ('reason' in found) return found;
  if (found.path !== path) return notFound;
  return found.method === 'GET' ? null : methodNotAllowed;
}

export const notFound: Refusal = { status: 404, reason: 'Not found.' };
export const methodNotAllowed: Refusal = { status: 405, reason: 'Method not allowed.' };

/** Refuse a request. One without access, or for what does not exist, may have a wrong address. */
export function sendRefusal(response: ServerResponse, { status, reason }: Refusal): void {
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
    Connection: 'close',
  });
  const hint = status === 403 || status === 404 ? ' Use the address that agent-flow printed.' : '';
  response.end(`${reason}${hint}\n`);
}

/** Accept any port: an ssh tunnel may use another one. */
const isLoopback = (host: string) => /^(127\.0\.0\.1|localhost)(:\d{1,5})?$/.test(host);

const digest = (text: string) => createHash('sha256').update(text).digest();
const same = (one: string, other: string) => timingSafeEqual(digest(one), digest(other));
